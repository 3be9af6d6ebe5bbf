/// Requests, log-in and the WebSocket with its reconnects.
let pageScriptSession = #"""
  // ---- Requests

  class Refusal extends Error {
    constructor(status, error) { super(error.message); this.status = status; this.remedy = error.remedy; }
  }

  async function call(method, path, body, again = true) {
    const headers = body ? { 'Content-Type': 'application/json' } : {};
    if (state.token) headers.Authorization = 'Bearer ' + state.token;
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    let json = {};
    try { json = text ? JSON.parse(text) : {}; } catch { /* what is not JSON has nothing to say */ }
    if (answer.status === 401 && again && await renew()) return call(method, path, body, false);
    if (answer.status === 401) needsLogIn();
    if (!answer.ok) throw Object.assign(new Refusal(answer.status, json.error ?? { message: answer.statusText }), { json });
    return json;
  }

  // The same id gets the same answer, so whatever went wrong on the way, the request is simply sent again.
  async function insist(path, body) {
    for (let attempt = 0; ; attempt++) {
      try { return await call('POST', path, body); }
      catch (error) {
        const isTransient = !(error instanceof Refusal) || error.status === 429 || error.status >= 502;
        if (!isTransient || attempt === 6) throw error;
        await new Promise(done => setTimeout(done, 250 * 2 ** attempt));
      }
    }
  }

  // ---- Log-in

  function keep(tokens) {
    state.token = tokens?.accessToken ?? null;
    state.refresh = tokens?.refreshToken ?? null;
    state.renewAt = tokens ? Date.now() + (tokens.expiresIn - 60) * 1000 : null;
    for (const key of ['token', 'refresh', 'renewAt'])
      if (state[key]) sessionStorage.setItem(key, state[key]); else sessionStorage.removeItem(key);
    $('log-in').hidden = !!state.token;
    $('log-out').hidden = !state.token;
  }

  // A refresh token is good for one use, so all who need a new token wait for the same exchange.
  let renewal = null;
  function renew() { return renewal ??= exchange().finally(() => { renewal = null; }); }

  async function exchange() {
    if (!state.refresh) return false;
    try {
      keep(await call('POST', '/api/session/refresh', { refreshToken: state.refresh }, false));
      send({ type: 'authenticate', token: state.token });
      return true;
    } catch (error) {
      if (error instanceof Refusal && error.status < 500) keep(null);
      return false;
    }
  }
  setInterval(() => { if (state.renewAt && Date.now() > state.renewAt) renew(); }, 5000);

  function needsLogIn() { if (!$('log-in-dialog').open) $('log-in-dialog').showModal(); }

  $('log-in').onclick = needsLogIn;
  $('log-in-cancel').onclick = () => $('log-in-dialog').close();
  $('log-out').onclick = async () => {
    try { await call('DELETE', '/api/session'); } catch { /* it ends by itself */ }
    keep(null);
    location.reload();
  };
  $('log-in-form').onsubmit = async event => {
    event.preventDefault();
    try {
      keep(await call('POST', '/api/session', { login: $('login').value, password: $('password').value }, false));
      $('log-in-dialog').close();
      location.reload();
    } catch (error) { $('log-in-error').textContent = error.message; }
  };

  // ---- The stream

  const stream = { socket: null, attempt: 0, heard: 0, lastTransaction: null };

  function connect() {
    const socket = stream.socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/ws');
    socket.onopen = () => {
      stream.heard = Date.now();
      if (state.token) send({ type: 'authenticate', token: state.token });
      send({ type: 'subscribe' });
      followAccount();
    };
    socket.onmessage = event => { stream.heard = Date.now(); receive(JSON.parse(event.data)); };
    socket.onclose = () => {
      if (stream.socket !== socket) return;
      show(false);
      // At a moment of its own: after a restart everyone comes back.
      const wait = Math.min(8000, 250 * 2 ** stream.attempt++) * (.5 + Math.random());
      setTimeout(connect, wait);
    };
  }

  function send(message) { stream.socket?.readyState === 1 && stream.socket.send(JSON.stringify(message)); }

  function followAccount() {
    if (state.accountId)
      send({ type: 'subscribe', account: state.accountId, ...(stream.lastTransaction && { since: stream.lastTransaction }) });
  }

  function receive(message) {
    switch (message.type) {
      case 'snapshot': case 'tick':
        stream.attempt = 0;
        show(true);
        takePrices(message.prices, Date.parse(message.time));
        break;
      case 'account': loadSoon(); break;
      case 'transaction':
        stream.lastTransaction = message.transaction.id;
        loadSoon();
        break;
      case 'error':
        // With an expired token the server hangs up as well, and the next connection shows a new one.
        if (/^(unauthenticated|token_|session_)/.test(message.error.code)) renew().then(isRenewed => isRenewed || needsLogIn());
        break;
      case 'reconnect': setTimeout(() => stream.socket.close(), Math.random() * message.withinMilliseconds / 4); break;
    }
  }

  function show(isLive) {
    $('link').className = isLive ? 'on' : 'off';
    $('link').textContent = isLive ? 'live' : 'reconnecting';
  }

  // The server says something every five seconds; longer silence is a dead connection.
  setInterval(() => { if (stream.socket?.readyState === 1 && Date.now() - stream.heard > 15000) stream.socket.close(); }, 1000);


  """#
