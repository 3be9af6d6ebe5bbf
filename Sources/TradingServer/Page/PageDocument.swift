/// The trader's page: the document. Style and script are files of their own, so that the policy can forbid all others.
let pageDocument = #"""
  <!doctype html>
  <html lang="en">
  <head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="dark">
  <title>Trading</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/page.css">
  <script src="/page.js" type="module"></script>
  </head>
  <body>
  <header>
    <h1 id="broker">Trading</h1>
    <dl id="figures">
      <div><dt>Balance</dt><dd id="balance">–</dd></div>
      <div><dt>Equity</dt><dd id="equity">–</dd></div>
      <div><dt>Profit</dt><dd id="profit">–</dd></div>
      <div><dt>Margin</dt><dd id="margin">–</dd></div>
      <div><dt>Free margin</dt><dd id="free">–</dd></div>
      <div><dt>Level</dt><dd id="level">–</dd></div>
    </dl>
    <div id="session">
      <span id="account">–</span>
      <span id="link" class="off" role="status">connecting</span>
      <button id="log-in" type="button" class="quiet">Log in</button>
      <button id="log-out" type="button" class="quiet" hidden>Log out</button>
    </div>
  </header>
  <main>
    <section id="watch" aria-label="Symbols">
      <table>
        <thead><tr><th>Symbol</th><th>Bid</th><th>Ask</th><th title="Spread in points">Spr.</th></tr></thead>
        <tbody id="symbols"></tbody>
      </table>
    </section>
    <section id="chart" aria-label="Chart">
      <div class="bar">
        <h2 id="chart-symbol">–</h2><span id="chart-title"></span>
        <nav id="frames" aria-label="Time frame"></nav>
      </div>
      <div id="canvas-box"><canvas id="canvas"></canvas></div>
    </section>
    <section id="ticket" aria-label="Order">
      <h2>New order</h2>
      <form id="order">
        <div class="choice" id="types">
          <button type="button" data-type="market" class="on">Market</button>
          <button type="button" data-type="limit">Limit</button>
          <button type="button" data-type="stop">Stop</button>
        </div>
        <label>Volume, lots
          <span class="stepper"><button type="button" id="less">−</button>
          <input id="volume" inputmode="decimal" autocomplete="off" value="0.10">
          <button type="button" id="more">+</button></span>
        </label>
        <label id="price-field" hidden>Price <input id="price" inputmode="decimal" autocomplete="off"></label>
        <div class="pair">
          <label>Stop loss <input id="stop-loss" inputmode="decimal" autocomplete="off" placeholder="none"></label>
          <label>Take profit <input id="take-profit" inputmode="decimal" autocomplete="off" placeholder="none"></label>
        </div>
        <div class="pair deal">
          <button type="submit" id="sell" value="sell"><small>Sell</small><b id="sell-price">–</b></button>
          <button type="submit" id="buy" value="buy"><small>Buy</small><b id="buy-price">–</b></button>
        </div>
      </form>
      <p id="answer" role="status"></p>
    </section>
    <section id="books" aria-label="Account">
      <nav id="tabs">
        <button type="button" data-tab="trades" class="on">Positions <i id="trade-count">0</i></button>
        <button type="button" data-tab="orders">Orders <i id="order-count">0</i></button>
        <button type="button" data-tab="history">History</button>
      </nav>
      <div class="scroll">
        <table data-table="trades">
          <thead><tr><th>Id</th><th>Symbol</th><th>Side</th><th>Lots</th><th>Opened at</th><th>Now</th>
            <th>Stop loss</th><th>Take profit</th><th>Profit</th><th></th></tr></thead>
          <tbody id="trades"></tbody>
        </table>
        <table data-table="orders" hidden>
          <thead><tr><th>Id</th><th>Symbol</th><th>Side</th><th>Type</th><th>Lots</th><th>Price</th>
            <th>Stop loss</th><th>Take profit</th><th></th></tr></thead>
          <tbody id="orders"></tbody>
        </table>
        <table data-table="history" hidden>
          <thead><tr><th>Id</th><th>Time</th><th>What</th><th>Details</th><th>Profit</th><th>Balance</th></tr></thead>
          <tbody id="history"></tbody>
        </table>
        <p id="nothing">Nothing is open.</p>
      </div>
    </section>
  </main>
  <dialog id="log-in-dialog">
    <form id="log-in-form">
      <h2>Log in</h2>
      <label>Account <input id="login" autocomplete="username" required></label>
      <label>Password <input id="password" type="password" autocomplete="current-password" required></label>
      <p id="log-in-error" role="alert"></p>
      <div class="pair"><button type="button" id="log-in-cancel" class="quiet">Cancel</button>
      <button type="submit" class="main">Log in</button></div>
    </form>
  </dialog>
  </body>
  </html>
  """#
