/// A reply of a command on its way into a script, or what a script returned on its way to a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The absence of a value.
    Null,
    /// A status line, such as `OK`.
    Status(Vec<u8>),
    /// A refusal: the whole line, code first.
    Error(Vec<u8>),
    /// A signed integer.
    Integer(i64),
    /// A floating point number.
    Double(f64),
    /// A truth value.
    Boolean(bool),
    /// A byte string.
    Bulk(Vec<u8>),
    /// Text with its three-letter format.
    Verbatim(Vec<u8>, Vec<u8>),
    /// An integer of any size, in decimal.
    BigNumber(Vec<u8>),
    /// Items in order.
    Array(Vec<Value>),
    /// Items whose order means nothing.
    Set(Vec<Value>),
    /// Keys with their values.
    Map(Vec<(Value, Value)>),
}
