import HTTPTypes
import Hummingbird
import TradingCore

/// Begins, continues and ends a session.
struct SessionRoutes: Sendable {
  let sessions: Sessions

  func register(on router: some RouterMethods<TradingContext>) {
    router.post("/api/session") { request, context in
      let body = try await JSONBody.read(request, known: ["login", "password"])
      let login = try OrderDraft.identifier(try body.requiredText("login"), field: "login")
      let password = try body.requiredText("password")
      return try Response.json(try await sessions.logIn(login, password: password, from: context.address))
    }
    router.post("/api/session/refresh") { request, _ in
      let body = try await JSONBody.read(request, known: ["refreshToken"])
      return try Response.json(try await sessions.refresh(try body.requiredText("refreshToken")))
    }
    router.delete("/api/session") { request, _ in
      try await sessions.end(bearer: try AccessMiddleware.token(request.headers))
      return Response(status: .noContent)
    }
  }
}
