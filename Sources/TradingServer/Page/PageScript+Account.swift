/// The account's figures, positions, orders and history.
let pageScriptAccount = #"""
  // ---- The account

  let isLoading = false, isWanted = false, isValuing = false;

  async function loadAccount() {
    const { accounts } = await call('GET', '/api/accounts');
    if (!accounts?.length) return;
    const isNew = state.accountId !== accounts[0].accountId;
    state.accountId = accounts[0].accountId;
    state.account = accounts[0];
    $('account').textContent = `${accounts[0].accountId} · ${accounts[0].currency} · 1:${accounts[0].leverage}`;
    if (isNew) {
      stream.lastTransaction ??= accounts[0].lastTransactionId;
      followAccount();
    }
    const query = '?accountId=' + encodeURIComponent(state.accountId);
    const last = Math.max(0, accounts[0].lastTransactionId - 60);
    const [trades, orders, history] = await Promise.all([
      call('GET', '/api/trades' + query), call('GET', '/api/pendingOrders' + query),
      call('GET', `/api/transactions${query}&since=${last}&limit=60`)]);
    state.trades = trades.trades;
    state.orders = orders.orders ?? [];
    state.history = history.transactions.reverse();
    fill();
    value();
    drawSoon();
  }

  // One request at a time, and one more when something happened meanwhile.
  async function loadSoon() {
    if (isLoading) { isWanted = true; return; }
    isLoading = true;
    try { await loadAccount(); } catch { /* tried again with the next round */ }
    isLoading = false;
    if (isWanted) { isWanted = false; loadSoon(); }
  }
  setInterval(() => { if (state.symbols.size) loadSoon(); }, 5000);

  function row(cells, button) {
    const line = document.createElement('tr');
    for (const [text, style] of cells) {
      const cell = document.createElement('td');
      cell.textContent = text ?? '–';
      if (style) cell.className = style;
      line.append(cell);
    }
    if (button) {
      const cell = document.createElement('td');
      cell.append(button);
      line.append(cell);
    }
    return line;
  }

  function action(text, label, perform) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text;
    button.setAttribute('aria-label', label);
    button.onclick = async () => {
      button.disabled = true;
      try { await perform(); tell('', ''); } catch (error) { tell('bad', error.message); }
      button.disabled = false;
      loadSoon();
    };
    return button;
  }

  const tone = side => side === 'buy' ? 'up' : 'down';
  const query = () => '?accountId=' + encodeURIComponent(state.accountId);

  // A row that is still the same stays where it is: whoever is about to press its button must not miss it.
  const shown = {};
  function rows(id, entries, key, make) {
    const now = JSON.stringify(entries.map(key));
    if (shown[id] === now) return;
    shown[id] = now;
    $(id).replaceChildren(...entries.map(make));
  }

  function fill() {
    rows('trades', state.trades, ({ unrealizedProfit, ...rest }) => rest, trade => row(
      [[trade.tradeId], [trade.symbol], [trade.side, tone(trade.side)], [trade.volume], [trade.price], [''],
        [trade.stopLoss ?? trade.trailingStop], [trade.takeProfit], [trade.unrealizedProfit]],
      action('Close', `close trade ${trade.tradeId}`, () => insist(`/api/trades/${trade.tradeId}/close`,
        { accountId: state.accountId, clientOrderId: 'web-' + crypto.randomUUID() }))));
    rows('orders', state.orders, order => order, order => row(
      [[order.orderId], [order.symbol], [order.side, tone(order.side)], [order.type], [order.volume], [order.price],
        [order.stopLoss], [order.takeProfit]],
      action('Cancel', `cancel order ${order.orderId}`, () =>
        call('DELETE', `/api/orders/${encodeURIComponent(order.clientOrderId)}${query()}`))));
    rows('history', state.history, entry => entry.id, entry => row(
      [[entry.id], [new Date(entry.time).toLocaleTimeString()], [entry.type.replaceAll('_', ' ').toLowerCase()],
        [[entry.symbol, entry.side, entry.volume, entry.price && '@ ' + entry.price, entry.amount,
          entry.reason?.replaceAll('_', ' ').toLowerCase()].filter(Boolean).join(' '), 'details'],
        [entry.profit, entry.profit < 0 ? 'down' : 'up'], [entry.balance]]));
    $('trade-count').textContent = state.trades.length;
    $('order-count').textContent = state.orders.length;
    $('nothing').hidden = state[state.tab].length > 0;
  }

  // ---- What it is worth now, between two answers of the server

  function valueSoon() {
    if (isValuing) return;
    isValuing = true;
    setTimeout(() => { isValuing = false; value(); }, 200);
  }

  function rate(from, to) {
    if (from === to) return 1;
    const middle = name => { const it = state.symbols.get(name); return it?.bid ? (+it.bid + +it.ask) / 2 : null; };
    const direct = middle(from + to), inverse = middle(to + from);
    if (direct || inverse) return direct ?? 1 / inverse;
    return from === 'USD' || to === 'USD' ? null : rate(from, 'USD') * rate('USD', to);
  }

  function value() {
    if (!state.account) return;
    const { currency, balance, marginUsed } = state.account;
    let profit = 0;
    for (const [index, trade] of state.trades.entries()) {
      const symbol = state.symbols.get(trade.symbol);
      const now = trade.side === 'buy' ? symbol?.bid : symbol?.ask;
      const worth = rate(trade.symbol.slice(3), currency);
      const own = now && worth
        ? (now - trade.price) * (trade.side === 'buy' ? 1 : -1) * trade.volume * symbol.contractSize * worth
        : +(trade.unrealizedProfit ?? 0);
      profit += own;
      const cells = $('trades').rows[index]?.cells;
      if (!cells) continue;
      cells[5].textContent = now ?? '–';
      cells[8].textContent = own.toFixed(2);
      cells[8].className = own < 0 ? 'down' : 'up';
    }
    const equity = +balance + profit, used = +(marginUsed ?? 0);
    const money = number => number.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    $('balance').textContent = money(+balance);
    $('equity').textContent = money(equity);
    $('profit').textContent = money(profit);
    $('profit').className = state.trades.length ? profit < 0 ? 'down' : 'up' : '';
    $('margin').textContent = money(used);
    $('free').textContent = money(equity - used);
    $('level').textContent = used ? Math.floor(equity / used * 100) + ' %' : '–';
  }


  """#
