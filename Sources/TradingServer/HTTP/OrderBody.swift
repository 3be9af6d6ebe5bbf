import FoundationEssentials
import NIOCore
import TradingCore

/// Reads the JSON of an order. A field that the server does not know is refused: an order with a misspelt or not yet
/// supported condition must not be executed without it.
struct OrderBody: Decodable {
  let draft: OrderDraft

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private static let fields: [String: any WritableKeyPath<OrderDraft, String?> & Sendable] = [
    "accountId": \.accountId, "clientOrderId": \.clientOrderId, "symbol": \.symbol, "side": \.side, "type": \.type,
    "volume": \.volume,
  ]

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    var draft = OrderDraft()
    for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
      guard let path = Self.fields[key.stringValue] else {
        throw APIError.malformed(
          field: key.stringValue, "\(key.stringValue) is not a field of an order",
          remedy: "leave it out; known are \(Self.fields.keys.sorted().joined(separator: ", "))")
      }
      do {
        draft[keyPath: path] = try container.decode(String.self, forKey: key)
      } catch {
        throw APIError.malformed(
          field: key.stringValue, "\(key.stringValue) is not text", remedy: "write it in quotes, such as \"0.10\"")
      }
    }
    self.draft = draft
  }

  /// Throws `APIError` for anything but a JSON object of the known fields.
  static func draft(from body: ByteBuffer) throws -> OrderDraft {
    do {
      return try JSONDecoder().decode(OrderBody.self, from: Data(body.readableBytesView)).draft
    } catch let error as APIError {
      throw error
    } catch {
      throw APIError.malformed("the body is not a JSON object", remedy: "send an order as a JSON object")
    }
  }
}
