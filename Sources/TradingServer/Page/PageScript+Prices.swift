/// The list of symbols, and candles built from ticks.
let pageScriptPrices = #"""
  // ---- Prices

  // The server keeps candles of a minute and more; shorter ones begin when the page is opened.
  const frames = [['5s', 5], ['1m', 60, 'M1'], ['5m', 300, 'M5'], ['15m', 900, 'M15'], ['1h', 3600, 'H1']];
  const longest = 400;

  async function loadSymbols() {
    const list = await call('GET', '/api/symbols');
    $('broker').textContent = document.title = list.broker;
    for (const item of list.symbols) {
      const row = document.createElement('tr');
      row.dataset.symbol = item.symbol;
      row.title = item.title;
      for (let cell = 0; cell < 4; cell++) row.append(document.createElement('td'));
      row.cells[0].textContent = item.symbol;
      row.onclick = () => choose(item.symbol);
      $('symbols').append(row);
      state.symbols.set(item.symbol, { ...item, row, bid: null, ask: null,
        candles: new Map(frames.map(([, seconds]) => [seconds, []])) });
      if (item.bid) takePrices([item], Date.parse(list.time));
    }
    choose(sessionStorage.getItem('symbol') ?? list.symbols[0].symbol);
  }

  function choose(name) {
    if (!state.symbols.has(name)) name = state.symbols.keys().next().value;
    state.chosen = name;
    sessionStorage.setItem('symbol', name);
    for (const row of $('symbols').rows) row.classList.toggle('on', row.dataset.symbol === name);
    const symbol = state.symbols.get(name);
    $('chart-symbol').textContent = name;
    $('chart-title').textContent = symbol.title;
    for (const field of ['price', 'stop-loss', 'take-profit']) $(field).value = '';
    showDealingPrices();
    loadCandles(name);
    drawSoon();
  }

  function takePrices(prices, time) {
    for (const price of prices) {
      const symbol = state.symbols.get(price.symbol);
      if (!symbol) continue;
      const { cells } = symbol.row;
      paint(cells[1], price.bid, symbol.bid);
      paint(cells[2], price.ask, symbol.ask);
      cells[3].textContent = Math.round((price.ask - price.bid) * 10 ** symbol.digits);
      symbol.bid = price.bid;
      symbol.ask = price.ask;
      for (const [seconds, candles] of symbol.candles) addTick(candles, seconds, time, +price.bid);
      if (price.symbol === state.chosen) { showDealingPrices(); drawSoon(); }
    }
    valueSoon();
  }

  function paint(cell, now, before) {
    cell.textContent = now;
    if (before === null || now === before) return;
    cell.className = +now > +before ? 'up' : 'down';
  }

  function addTick(candles, seconds, time, price) {
    const start = Math.floor(time / 1000 / seconds) * seconds;
    const last = candles.at(-1);
    if (last && start < last.time) return;
    if (last?.time === start) {
      last.high = Math.max(last.high, price);
      last.low = Math.min(last.low, price);
      last.close = price;
    } else {
      candles.push({ time: start, open: last?.close ?? price, high: price, low: price, close: price });
      if (candles.length > longest) candles.shift();
    }
  }

  function showDealingPrices() {
    const symbol = state.symbols.get(state.chosen);
    if (!symbol) return;
    $('sell-price').textContent = symbol.bid ?? '–';
    $('buy-price').textContent = symbol.ask ?? '–';
    $('price').placeholder = symbol.bid ?? '';
  }

  // What was traded before the page was opened, where the server has it.
  async function loadCandles(name) {
    const symbol = state.symbols.get(name);
    if (symbol.isLoaded) return;
    symbol.isLoaded = true;
    for (const [, seconds, granularity] of frames) {
      if (!granularity) continue;
      try {
        const { candles } = await call('GET', `/api/candles/${name}?granularity=${granularity}&count=${longest}`);
        const old = candles.map(candle => ({ time: Date.parse(candle.time) / 1000, open: +candle.open, high: +candle.high,
          low: +candle.low, close: +candle.close }));
        symbol.candles.set(seconds, join(old, symbol.candles.get(seconds)));
      } catch { /* then the chart begins now */ }
      drawSoon();
    }
  }

  // The candle in which the page was opened began earlier than the page knows.
  function join(old, own) {
    const first = own[0], same = old.findLast(candle => candle.time === first?.time);
    if (same) {
      first.open = same.open;
      first.high = Math.max(first.high, same.high);
      first.low = Math.min(first.low, same.low);
    }
    return [...old.filter(candle => !first || candle.time < first.time), ...own].slice(-longest);
  }


  """#
