/// The trader's page: what it does. Prices come over the WebSocket, the account over HTTP whenever something happened to it.
let pageScript =
  #"""
  'use strict';
  const $ = id => document.getElementById(id);
  const state = { symbols: new Map(), chosen: null, type: 'market', tab: 'trades', account: null, trades: [], orders: [],
    history: [], token: sessionStorage.getItem('token'), refresh: sessionStorage.getItem('refresh'), accountId: null,
    renewAt: sessionStorage.getItem('renewAt') };

  """# + pageScriptSession + pageScriptPrices + pageScriptChart + pageScriptAccount + pageScriptTicket
