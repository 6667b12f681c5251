//! The tree of an expression. Positions are bytes of the expression's own text.

use std::ops::Range;

/// A node, where it stands, and how deep the tree beneath it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ast {
    pub(crate) node: Node,
    pub(crate) span: Range<usize>,
    pub(crate) depth: u16,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    List(Vec<Ast>),
    Name(String),
    Field {
        of: Box<Ast>,
        name: String,
        at: Range<usize>,
    },
    Index {
        of: Box<Ast>,
        index: Box<Ast>,
    },
    Call {
        on: Option<Box<Ast>>,
        name: String,
        at: Range<usize>,
        args: Vec<Ast>,
    },
    Not(Box<Ast>),
    Negate(Box<Ast>),
    Binary {
        op: Op,
        at: Range<usize>,
        left: Box<Ast>,
        right: Box<Ast>,
    },
    /// `a && b && …`, or the same with `||`.
    Chain {
        op: Op,
        parts: Vec<Ast>,
    },
    Choose {
        condition: Box<Ast>,
        yes: Box<Ast>,
        no: Box<Ast>,
    },
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Op {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Op::Or => "||",
            Op::And => "&&",
            Op::Equal => "==",
            Op::NotEqual => "!=",
            Op::Less => "<",
            Op::LessEqual => "<=",
            Op::Greater => ">",
            Op::GreaterEqual => ">=",
            Op::In => "in",
            Op::Add => "+",
            Op::Subtract => "-",
            Op::Multiply => "*",
            Op::Divide => "/",
            Op::Remainder => "%",
        }
    }

    /// How tightly it binds; a higher one binds tighter.
    pub(crate) fn strength(self) -> u8 {
        match self {
            Op::Or => 1,
            Op::And => 2,
            Op::Equal
            | Op::NotEqual
            | Op::Less
            | Op::LessEqual
            | Op::Greater
            | Op::GreaterEqual
            | Op::In => 3,
            Op::Add | Op::Subtract => 4,
            Op::Multiply | Op::Divide | Op::Remainder => 5,
        }
    }
}
