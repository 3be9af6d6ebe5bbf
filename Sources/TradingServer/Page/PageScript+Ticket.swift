/// The order ticket, the tabs, and the beginning of it all.
let pageScriptTicket = #"""
  // ---- The ticket

  for (const button of $('types').children) button.onclick = () => {
    state.type = button.dataset.type;
    for (const other of $('types').children) other.classList.toggle('on', other === button);
    $('price-field').hidden = state.type === 'market';
  };

  function step(direction) {
    const { volumeStep, minVolume } = state.symbols.get(state.chosen);
    const next = Math.max(+minVolume, +$('volume').value + direction * Math.max(+volumeStep, .1));
    $('volume').value = next.toFixed(2);
  }
  $('less').onclick = () => step(-1);
  $('more').onclick = () => step(1);

  function tell(kind, text) {
    $('answer').className = kind;
    $('answer').textContent = text;
  }

  $('order').onsubmit = async event => {
    event.preventDefault();
    const order = { clientOrderId: 'web-' + crypto.randomUUID(), symbol: state.chosen, side: event.submitter.value,
      type: state.type, volume: $('volume').value.trim() };
    if (state.accountId) order.accountId = state.accountId;
    const optional = { stopLoss: 'stop-loss', takeProfit: 'take-profit', ...(state.type !== 'market' && { price: 'price' }) };
    for (const [field, id] of Object.entries(optional)) if ($(id).value.trim()) order[field] = $(id).value.trim();
    for (const id of ['sell', 'buy']) $(id).disabled = true;
    tell('', 'Sending …');
    try {
      const receipt = await insist('/api/orders', order);
      tell('good', receipt.status === 'filled'
        ? `${receipt.side === 'buy' ? 'Bought' : 'Sold'} ${receipt.volume} ${receipt.symbol} at ${receipt.price}.`
        : `Order ${receipt.orderId} is ${receipt.status}.`);
    } catch (error) {
      const reason = error.json?.reason?.replaceAll('_', ' ').toLowerCase();
      tell('bad', reason ? `Refused: ${reason}.` : error.remedy ? `${error.message}: ${error.remedy}.` : error.message);
    }
    for (const id of ['sell', 'buy']) $(id).disabled = false;
    loadSoon();
  };

  for (const button of $('tabs').children) button.onclick = () => {
    state.tab = button.dataset.tab;
    for (const other of $('tabs').children) other.classList.toggle('on', other === button);
    for (const table of document.querySelectorAll('[data-table]')) table.hidden = table.dataset.table !== state.tab;
    $('nothing').hidden = state[state.tab].length > 0;
  };

  // ---- Beginning

  async function begin() {
    $('log-in').hidden = !!state.token;
    $('log-out').hidden = !state.token;
    try { await loadSymbols(); } catch (error) {
      // Whoever has to log in begins anew afterwards.
      if (error.status !== 401) setTimeout(begin, 1000);
      return;
    }
    connect();
    loadSoon();
  }
  begin();

  """#
