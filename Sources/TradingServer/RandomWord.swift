/// A short random word, for request and replica ids. Not for secrets.
func randomWord() -> String {
  let digits = String(UInt64.random(in: .min ... .max), radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
