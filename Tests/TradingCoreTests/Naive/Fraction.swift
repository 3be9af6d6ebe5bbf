/// An exact rational, reduced after every step. Slow and simple on purpose.
struct Fraction {
  var top: Int128
  var bottom: Int128

  init(_ top: Int128, _ bottom: Int128 = 1) {
    var (a, b) = (top.magnitude, bottom.magnitude)
    while b != 0 { (a, b) = (b, a % b) }
    let divisor = max(Int128(a), 1)
    self.top = (bottom < 0 ? -top : top) / divisor
    self.bottom = Int128(bottom.magnitude) / divisor
  }

  static func + (l: Fraction, r: Fraction) -> Fraction {
    Fraction(l.top * r.bottom + r.top * l.bottom, l.bottom * r.bottom)
  }
  static func - (l: Fraction, r: Fraction) -> Fraction { l + Fraction(-r.top, r.bottom) }
  static func * (l: Fraction, r: Fraction) -> Fraction { Fraction(l.top * r.top, l.bottom * r.bottom) }
  static func / (l: Fraction, r: Fraction) -> Fraction { Fraction(l.top * r.bottom, l.bottom * r.top) }
  static func < (l: Fraction, r: Fraction) -> Bool { l.top * r.bottom < r.top * l.bottom }

  var floor: Int128 {
    let quotient = top / bottom
    return top < 0 && quotient * bottom != top ? quotient - 1 : quotient
  }
  var ceiling: Int128 { -Fraction(-top, bottom).floor }

  /// To the nearest integer, halves to the even one.
  var bankers: Int128 {
    let below = floor
    let rest = self - Fraction(below)
    let half = Fraction(1, 2)
    if rest < half { return below }
    if half < rest { return below + 1 }
    return below % 2 == 0 ? below : below + 1
  }
}
