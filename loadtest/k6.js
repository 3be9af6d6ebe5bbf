// The trading server under many users, for k6 (https://k6.io). See README.md for the variables.
import http from 'k6/http';
import ws from 'k6/ws';
import { check, sleep } from 'k6';
import exec from 'k6/execution';
import { Counter, Rate, Trend } from 'k6/metrics';

const base = __ENV.BASE_URL || 'http://127.0.0.1:7999';
const account = __ENV.ACCOUNT || 'demo';
const users = Number(__ENV.USERS || 10000);
const stay = __ENV.DURATION || '5m';
const headers = Object.assign(
  { 'Content-Type': 'application/json' },
  __ENV.TOKEN ? { Authorization: `Bearer ${__ENV.TOKEN}` } : {},
);
const run = Math.random().toString(36).slice(2, 8);

const sameAnswer = new Rate('order_retry_same_answer');
const unknown = new Counter('orders_unknown');
const gaps = new Counter('websocket_gaps');
const delay = new Trend('websocket_delay', true);

// Everybody arrives within a minute, stays, and leaves.
function crowd(part, exec) {
  const target = Math.max(1, Math.round(users * part));
  return {
    executor: 'ramping-vus',
    exec,
    startVUs: 0,
    stages: [{ duration: '1m', target }, { duration: stay, target }, { duration: '20s', target: 0 }],
    gracefulRampDown: '40s',
  };
}

export const options = {
  // `k6 run --vus N --duration T` replaces these by the default function.
  scenarios: { traders: crowd(0.1, 'trade'), watchers: crowd(0.6, 'watch'), readers: crowd(0.3, 'read') },
  thresholds: {
    'http_req_duration{kind:api}': ['p(99.9)<100'],
    'http_req_failed{kind:api}': ['rate<0.001'],
    order_retry_same_answer: ['rate==1'],
    orders_unknown: ['count==0'],
    websocket_gaps: ['count==0'],
    websocket_delay: ['p(99)<100'],
  },
};

function parameters(name, timeout) {
  return { headers, timeout: timeout || '10s', tags: { kind: 'api', name } };
}

// Sends an order until it is answered: the same id gets the same answer, so sending it again is safe.
function place(order) {
  const body = JSON.stringify(order);
  for (let attempt = 0; attempt < 8; attempt++) {
    const answer = http.post(`${base}/api/orders`, body, parameters('POST /api/orders'));
    const hasAnswer = answer.status >= 200 && answer.status < 500 && answer.status !== 429 && answer.status !== 408;
    if (hasAnswer) return answer;
    sleep(Math.min(1, 0.05 * 2 ** attempt) * Math.random() + Number(answer.headers['Retry-After'] || 0));
  }
  unknown.add(1);
  return null;
}

let turn = 0;

// A trader: buys, and sells again with the next order, a few times a minute.
export function trade() {
  const isSell = turn % 2 === 1;
  const order = {
    accountId: account,
    clientOrderId: `k6-${run}-${exec.vu.idInTest}-${turn}`,
    symbol: ['EURUSD', 'GBPUSD', 'USDJPY', 'XAUUSD'][Math.floor(turn / 2) % 4],
    side: isSell ? 'sell' : 'buy',
    type: 'market',
    volume: '0.01',
  };
  if (isSell) order.reduceOnly = true;
  turn += 1;
  const answer = place(order);
  if (answer) {
    // 422 is the ledger's own rejection, by margin for example; it is an answer.
    check(answer, { 'the order is answered': (a) => [200, 201, 422].includes(a.status) });
    if (turn % 20 === 0) {
      const again = place(order);
      if (again) sameAnswer.add(again.body === answer.body);
    }
  }
  sleep(2 + Math.random() * 16);
}

// A reader: a page that asks for what it shows.
export function read() {
  for (const path of [
    '/api/prices', `/api/accounts/${account}`, `/api/positions?accountId=${account}`,
    `/api/trades?accountId=${account}`, `/api/orders?accountId=${account}&limit=20`,
  ]) {
    const name = `GET ${path.split('?')[0]}`;
    check(http.get(base + path, parameters(name)), { 'the page gets its data': (a) => a.status === 200 });
  }
  sleep(1 + Math.random() * 9);
}

// A watcher: all prices over one WebSocket, for a while, and then over a new one.
export function watch() {
  const url = `${base.replace(/^http/, 'ws')}/ws`;
  const answer = ws.connect(url, { headers, tags: { name: '/ws' } }, (socket) => {
    let last = null;
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe' })));
    socket.on('message', (text) => {
      const message = JSON.parse(text);
      const sequence = message.sequence === undefined ? null : Number(message.sequence);
      if (sequence !== null) {
        if (last !== null && sequence !== last + 1) gaps.add(1);
        last = sequence;
      }
      if (message.time) delay.add(Math.max(0, Date.now() - Date.parse(message.time)));
      // The replica goes away: connect again, to another one.
      if (message.type === 'reconnect') socket.close();
    });
    socket.setTimeout(() => socket.close(), (30 + Math.random() * 60) * 1000);
  });
  check(answer, { 'the WebSocket opens': (a) => a && a.status === 101 });
  sleep(Math.random());
}

// For `k6 run --vus N --duration T`: every user trades and reads.
export default function () {
  if (exec.vu.idInTest % 2 === 0) trade();
  else read();
}
