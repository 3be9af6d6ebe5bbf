import TradingStore

/// Every operation of the API. A test holds them against the router and the running server.
enum APIOperations {
  typealias Operation = APIOperation

  static let all = server + trading + admin

  private static let account = Operation.Parameter(
    name: "accountId", description: "default the token's only account, or demo")
  private static let placed: [Int: Operation.Answer] = [
    200: Operation.Answer(
      description: "was placed before under this clientOrderId; the same answer", schema: "Receipt"),
    201: Operation.Answer(description: "placed", schema: "Receipt"),
  ]

  private static let server: [Operation] = [
    Operation(
      method: "get", path: "/health", summary: "Whether the process lives.", access: .everyone, answers: .ok("Health")),
    Operation(
      method: "get", path: "/ready", summary: "Whether orders can be placed here.", access: .everyone,
      answers: [
        200: Operation.Answer(description: "ready", schema: "Readiness"),
        503: Operation.Answer(description: "not ready, and why", schema: "Readiness"),
      ]),
    Operation(
      method: "get", path: "/metrics", summary: "Metrics in the Prometheus text format.", access: .everyone,
      answers: [200: Operation.Answer(description: "metrics", schema: nil, mediaType: "text/plain")]),
    Operation(
      method: "get", path: "/", summary: "A page for traders.", access: .everyone,
      answers: [200: Operation.Answer(description: "a page", schema: nil, mediaType: "text/html")]),
    Operation(
      method: "get", path: "/page.css", summary: "The page's style.", access: .everyone,
      answers: [200: Operation.Answer(description: "a style sheet", schema: nil, mediaType: "text/css")]),
    Operation(
      method: "get", path: "/page.js", summary: "The page's script.", access: .everyone,
      answers: [200: Operation.Answer(description: "a script", schema: nil, mediaType: "text/javascript")]),
    Operation(
      method: "get", path: "/openapi.json", summary: "This document.", access: .everyone,
      answers: [200: Operation.Answer(description: "OpenAPI 3.1", schema: "Document")]),
    Operation(
      method: "get", path: "/docs", summary: "This document for people.", access: .everyone,
      answers: [200: Operation.Answer(description: "a page", schema: nil, mediaType: "text/html")]),
    Operation(
      method: "get", path: "/ws", summary: "Prices and account events over a WebSocket (RFC 6455).", access: .everyone,
      answers: [101: Operation.Answer(description: "the connection is a WebSocket", schema: nil)], errors: [426]),
    Operation(
      method: "post", path: "/api/session", summary: "Log in.", access: .everyone, body: "Login",
      answers: .ok("Session"), errors: [401, 429, 503]),
    Operation(
      method: "post", path: "/api/session/refresh",
      summary: "New tokens for a refresh token, which is good for one use.",
      access: .everyone, body: "Refresh", answers: .ok("Session"), errors: [401, 503]),
    Operation(
      method: "delete", path: "/api/session", summary: "End the session, on all replicas within a second.",
      access: .everyone, answers: [204: Operation.Answer(description: "ended", schema: nil)], errors: [401, 503]),
  ]

  private static let trading: [Operation] = [
    Operation(
      method: "get", path: "/api/symbols", summary: "What can be traded.", answers: .ok("Symbols")),
    Operation(
      method: "get", path: "/api/prices", summary: "The dealer's newest quotes.",
      query: [Operation.Parameter(name: "symbols", description: "comma-separated; default all")],
      answers: .ok("Prices"), errors: [422]),
    Operation(
      method: "get", path: "/api/candles/{symbol}", summary: "The bids of past spans of time.",
      query: [
        Operation.Parameter(
          name: "granularity", description: "default M1", schema: APISchema.choice(CandleGranularity.self)),
        Operation.Parameter(name: "from", description: "the first span, RFC 3339", schema: APISchema.time),
        Operation.Parameter(name: "to", description: "the end; default now", schema: APISchema.time),
        Operation.Parameter(
          name: "count", description: "1 to 5000, default 500: the first ones with from, the last ones without"),
      ], answers: .ok("Candles"), errors: [422]),
    Operation(
      method: "get", path: "/api/accounts", summary: "The client's accounts with their figures.",
      answers: .ok("Accounts")),
    Operation(
      method: "get", path: "/api/accounts/{accountId}", summary: "An account with its figures.",
      answers: .ok("Account"), errors: [422]),
    Operation(
      method: "post", path: "/api/orders",
      summary: "Place an order. The same clientOrderId gets the identical answer, however often it is sent.",
      body: "Order",
      answers: placed.merging([
        422: Operation.Answer(
          description: "refused: by the ledger with a receipt, or before that with an error", schema: "Refusal")
      ]) { $1 }, errors: [409]),
    Operation(
      method: "get", path: "/api/orders", summary: "The answers of the newest orders.",
      query: [account, Operation.Parameter(name: "limit", description: "1 to 1000, default 50")],
      answers: .ok("Receipts")),
    Operation(
      method: "get", path: "/api/orders/{clientOrderId}", summary: "The answer that an order got.", query: [account],
      answers: .ok("Receipt"), errors: [404]),
    Operation(
      method: "put", path: "/api/orders/{clientOrderId}",
      summary: "Replace a waiting order by a new one with a clientOrderId of its own, in one step.", body: "Order",
      answers: placed.merging([
        422: Operation.Answer(
          description: "refused: by the ledger with a receipt, or before that with an error", schema: "Refusal")
      ]) { $1 }, errors: [404, 409]),
    Operation(
      method: "delete", path: "/api/orders/{clientOrderId}", summary: "Cancel a waiting order.", query: [account],
      answers: .ok("Transactions"), errors: [404, 409]),
    Operation(
      method: "get", path: "/api/pendingOrders", summary: "The orders that wait.", query: [account],
      answers: .ok("PendingOrders"), errors: [422]),
    Operation(
      method: "get", path: "/api/trades", summary: "Open trades.", query: [account], answers: .ok("Trades"),
      errors: [422]),
    Operation(
      method: "post", path: "/api/trades/{tradeId}/close",
      summary: "Close a trade, whole or in part, or by an opposite one.", body: "Close",
      answers: placed.merging([
        422: Operation.Answer(
          description: "refused: by the ledger with a receipt, or before that with an error", schema: "Refusal")
      ]) { $1 }, errors: [404, 409]),
    Operation(
      method: "put", path: "/api/trades/{tradeId}/protection",
      summary: "Set take profit, stop loss and trailing stop; what is left out is taken away.", body: "Protection",
      answers: .ok("Transactions"), errors: [404, 422]),
    Operation(
      method: "get", path: "/api/positions", summary: "Open trades, summed for each symbol.", query: [account],
      answers: .ok("Positions"), errors: [422]),
    Operation(
      method: "get", path: "/api/transactions", summary: "The account's ledger.",
      query: [
        account, Operation.Parameter(name: "since", description: "the last id that is known; default 0"),
        Operation.Parameter(name: "limit", description: "1 to 1000, default 100"),
      ], answers: .ok("Transactions"), errors: [422]),
    Operation(
      method: "get", path: "/api/transactions/stream",
      summary: "The ledger as it grows, one JSON object a line, with heartbeats.",
      query: [
        account, Operation.Parameter(name: "since", description: "the last id that is known; default the newest"),
      ],
      answers: [
        200: Operation.Answer(description: "lines", schema: "Transaction", mediaType: "application/x-ndjson")
      ], errors: [422]),
    Operation(
      method: "get", path: "/api/stats", summary: "Counts of what is stored.", answers: .ok("Statistics")),
  ]

  private static let admin: [Operation] = [
    Operation(
      method: "get", path: "/admin/accounts", summary: "The ids of all accounts.", access: .admin,
      query: [
        Operation.Parameter(name: "after", description: "the last id of the page before"),
        Operation.Parameter(name: "limit", description: "1 to 10000, default 1000"),
      ], answers: .ok("AccountIds")),
    Operation(
      method: "post", path: "/admin/accounts", summary: "Open an account.", access: .admin, body: "NewAccount",
      answers: [201: Operation.Answer(description: "opened", schema: "Account")], errors: [409]),
    Operation(
      method: "get", path: "/admin/accounts/{accountId}", summary: "An account with its figures.", access: .admin,
      answers: .ok("Account"), errors: [422]),
    Operation(
      method: "put", path: "/admin/accounts/{accountId}/password", summary: "Set the trader's password.",
      access: .admin, body: "Password", answers: [204: Operation.Answer(description: "set", schema: nil)],
      errors: [422]),
    Operation(
      method: "post", path: "/admin/accounts/{accountId}/funding",
      summary: "Deposit or withdraw, once for each reference.", access: .admin, body: "Funding",
      answers: [
        200: Operation.Answer(description: "was booked before under this reference", schema: "Funded"),
        201: Operation.Answer(description: "booked", schema: "Funded"),
      ], errors: [409, 422]),
    Operation(
      method: "post", path: "/admin/drain",
      summary: "Send this replica's clients to others, while it stays ready: WebSockets are closed with 1001, HTTP "
        + "connections end with their next answer.",
      access: .admin, query: [Operation.Parameter(name: "seconds", description: "0 to 300, default 30; 0 ends it")],
      answers: [204: Operation.Answer(description: "under way", schema: nil)]),
    Operation(
      method: "get", path: "/admin/groups", summary: "The groups' markups.", access: .admin, answers: .ok("Groups")),
    Operation(
      method: "put", path: "/admin/groups/{group}",
      summary: "Set a group's markups: points on each side of the quote, by symbol.", access: .admin, body: "Markups",
      answers: .ok("Group")),
    Operation(
      method: "get", path: "/admin/symbols", summary: "All terms of all symbols.", access: .admin,
      answers: .ok("SymbolTerms")),
    Operation(
      method: "get", path: "/admin/exposure", summary: "What all clients have open in each symbol.", access: .admin,
      answers: .ok("Exposure")),
    Operation(
      method: "get", path: "/admin/feed", summary: "Where prices come from, and how old they are.", access: .admin,
      answers: .ok("Feed")),
  ]
}
