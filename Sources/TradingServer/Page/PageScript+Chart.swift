/// Candles on a canvas.
let pageScriptChart = #"""
  // ---- The chart

  let frame = +(sessionStorage.getItem('frame') ?? 60);
  let isDrawing = false;

  for (const [name, seconds] of frames) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = name;
    button.classList.toggle('on', seconds === frame);
    button.onclick = () => {
      frame = seconds;
      sessionStorage.setItem('frame', seconds);
      for (const other of $('frames').children) other.classList.toggle('on', other === button);
      drawSoon();
    };
    $('frames').append(button);
  }

  function drawSoon() {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => { isDrawing = false; draw(); });
  }

  function draw() {
    const symbol = state.symbols.get(state.chosen);
    const canvas = $('canvas');
    const { clientWidth: width, clientHeight: height } = canvas;
    const scale = devicePixelRatio || 1;
    if (canvas.width !== width * scale || canvas.height !== height * scale) {
      canvas.width = width * scale;
      canvas.height = height * scale;
    }
    const pen = canvas.getContext('2d');
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!symbol?.bid) return;

    const [right, bottom, step] = [74, 24, 9];
    const room = Math.floor((width - right) / step);
    const candles = symbol.candles.get(frame).slice(-room);
    if (!candles.length) return;
    const levels = state.trades.filter(trade => trade.symbol === state.chosen);
    let high = Math.max(...candles.map(candle => candle.high), +symbol.ask);
    let low = Math.min(...candles.map(candle => candle.low), +symbol.bid);
    const least = 20 / 10 ** symbol.digits;
    const margin = Math.max((high - low) * .12, least);
    high += margin; low -= margin;
    const y = price => (height - bottom) * (high - price) / (high - low);
    const x = index => width - right - (candles.length - index) * step;

    pen.font = '11px system-ui, "DejaVu Sans", sans-serif';
    pen.textBaseline = 'middle';
    const tagged = [y(+symbol.ask), y(+symbol.bid)];
    grid(pen, { width, height, right, bottom, high, low, y, tagged, digits: symbol.digits });
    times(pen, candles, x, { width, height, right, bottom });
    for (const [index, candle] of candles.entries()) {
      const color = candle.close >= candle.open ? '#26b38a' : '#f0616d';
      const left = Math.round(x(index));
      pen.fillStyle = color;
      pen.fillRect(left + 3, y(candle.high), 1, Math.max(1, y(candle.low) - y(candle.high)));
      const top = y(Math.max(candle.open, candle.close));
      pen.fillRect(left, top, 7, Math.max(1, y(Math.min(candle.open, candle.close)) - top));
    }
    for (const trade of levels) line(pen, y(+trade.price), width - right, trade.side === 'buy' ? '#4c8dff' : '#e0a63f',
      `${trade.side} ${trade.volume}`, [5, 4]);
    tag(pen, y(+symbol.ask), width, right, '#178a68', symbol.ask);
    tag(pen, y(+symbol.bid), width, right, '#c9404e', symbol.bid);
    canvas.dataset.candles = candles.length;
  }

  function grid(pen, { width, height, right, bottom, high, low, y, tagged, digits }) {
    const raw = (high - low) / Math.max(3, height / 56);
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map(factor => factor * power).find(candidate => candidate >= raw);
    for (let price = Math.ceil(low / step) * step; price < high; price += step) {
      const level = Math.round(y(price)) + .5;
      if (level > height - bottom) continue;
      pen.fillStyle = '#1d2633';
      pen.fillRect(0, level, width - right, 1);
      if (tagged.some(other => Math.abs(other - level) < 14)) continue;
      pen.fillStyle = '#7d8aa0';
      pen.fillText(price.toFixed(digits), width - right + 8, level);
    }
    pen.fillStyle = '#263040';
    pen.fillRect(width - right, 0, 1, height - bottom);
    pen.fillRect(0, height - bottom, width, 1);
  }

  function times(pen, candles, x, { height, bottom }) {
    pen.fillStyle = '#7d8aa0';
    let free = 4;
    for (const [index, candle] of candles.entries()) {
      if (x(index) < free || candle.time % (frame * 6)) continue;
      const text = new Date(candle.time * 1000).toTimeString().slice(0, frame < 60 ? 8 : 5);
      pen.fillText(text, x(index), height - bottom / 2);
      free = x(index) + pen.measureText(text).width + 26;
    }
  }

  function line(pen, level, end, color, text, dash) {
    pen.save();
    pen.strokeStyle = pen.fillStyle = color;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(0, Math.round(level) + .5);
    pen.lineTo(end, Math.round(level) + .5);
    pen.stroke();
    pen.fillText(text, 8, level - 8);
    pen.restore();
  }

  function tag(pen, level, width, right, color, text) {
    line(pen, level, width - right, color + '88', '', [2, 3]);
    pen.fillStyle = color;
    pen.fillRect(width - right + 1, level - 9, right - 1, 18);
    pen.fillStyle = '#fff';
    pen.fillText(text, width - right + 8, level);
  }

  new ResizeObserver(drawSoon).observe($('canvas-box'));


  """#
