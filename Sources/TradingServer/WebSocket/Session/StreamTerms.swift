import TradingCore

/// What all connections have in common. A class, so that each of them carries one reference only.
final class StreamTerms: Sendable {
  let catalog: InstrumentCatalog
  let limits: StreamLimits
  let authentication: StreamAuthentication

  init(
    catalog: InstrumentCatalog, limits: StreamLimits = StreamLimits(), authentication: @escaping StreamAuthentication
  ) {
    self.catalog = catalog
    self.limits = limits
    self.authentication = authentication
  }
}
