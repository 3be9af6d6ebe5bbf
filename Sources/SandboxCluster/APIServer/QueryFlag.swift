/// How Kubernetes reads a boolean of a query (apimachinery's conversion of query parameters): absent, `false` and `0` are
/// false, anything else is true, the empty text too.
enum QueryFlag {
  static func isSet(_ text: String?) -> Bool {
    switch text?.lowercased() {
    case nil, "false", "0": false
    default: true
    }
  }
}
