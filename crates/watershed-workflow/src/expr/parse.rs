//! From tokens to a tree, within the bounds.

use super::ast::{Ast, Node, Op};
use super::check::Finding;
use super::lex::{Tok, Token, lex};
use crate::code;

/// Bytes of an expression.
const BYTES_MAX: usize = 4 * 1024;
/// Nodes of its tree.
const NODES_MAX: usize = 500;
/// Levels of its tree: `cel` takes some 8 KiB of stack for each in a build without
/// optimisation.
const DEPTH_MAX: u16 = 32;

/// Words that CEL keeps for itself.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The tree of an expression.
pub(crate) fn parse(text: &str) -> Result<Ast, Finding> {
    let whole = 0..text.len();
    if text.len() > BYTES_MAX {
        let message = format!("an expression has at most {BYTES_MAX} bytes");
        return Err(Finding::new(code::EXPRESSION_BOUND, whole, message));
    }
    if text.trim().is_empty() {
        return Err(Finding::new(code::EXPRESSION, whole, "an expression is missing here"));
    }
    let mut parser = Parser { tokens: lex(text)?, at: 0, nodes: 0, nested: 0 };
    let tree = parser.expression()?;
    match &parser.peek().kind {
        Tok::End => Ok(tree),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    nodes: usize,
    nested: u16,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at]
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.at].clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek().kind, Tok::Sign(s) if s == sign);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<Token, Finding> {
        match self.peek().kind {
            Tok::Sign(s) if s == sign => Ok(self.next()),
            _ => Err(self.unexpected(&format!("`{sign}`"))),
        }
    }

    fn unexpected(&self, due: &str) -> Finding {
        let token = self.peek();
        let shown = match &token.kind {
            Tok::End => {
                let message = format!("the expression ends where {due} is due");
                let end = token.span.end;
                return Finding::new(code::EXPRESSION, end.saturating_sub(1)..end, message);
            }
            Tok::Name(name) => format!("`{name}`"),
            Tok::Int(value) => format!("`{value}`"),
            Tok::Double(value) => format!("`{value}`"),
            Tok::Text(_) => "text".to_owned(),
            Tok::Sign(sign) => format!("`{sign}`"),
        };
        let message = format!("{shown} stands where {due} is due");
        let finding = Finding::new(code::EXPRESSION, token.span.clone(), message);
        match &token.kind {
            Tok::Sign("=") => finding.help("equality is `==`"),
            Tok::Name(word) if word == "and" => finding.help("write `&&`"),
            Tok::Name(word) if word == "or" => finding.help("write `||`"),
            Tok::Name(word) if word == "not" => finding.help("write `!`"),
            _ => finding,
        }
    }

    fn node(&mut self, node: Node, from: usize, to: usize) -> Result<Ast, Finding> {
        let deepest = match &node {
            Node::List(of) | Node::Chain { parts: of, .. } => depth(of),
            Node::Call { on, args, .. } => depth(args).max(on.as_ref().map_or(0, |a| a.depth)),
            Node::Field { of, .. } | Node::Not(of) | Node::Negate(of) => of.depth,
            Node::Index { of, index } => of.depth.max(index.depth),
            Node::Binary { left, right, .. } => left.depth.max(right.depth),
            Node::Choose { condition, yes, no } => condition.depth.max(yes.depth).max(no.depth),
            _ => 0,
        };
        self.nodes += 1;
        let ast = Ast { node, span: from..to, depth: deepest + 1 };
        let bound =
            |message: String| Err(Finding::new(code::EXPRESSION_BOUND, ast.span.clone(), message));
        if self.nodes > NODES_MAX {
            return bound(format!("an expression has at most {NODES_MAX} parts"));
        }
        if ast.depth > DEPTH_MAX {
            return bound(format!("an expression nests at most {DEPTH_MAX} deep"));
        }
        Ok(ast)
    }

    fn nest<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, Finding>,
    ) -> Result<T, Finding> {
        self.nested += 1;
        if self.nested > DEPTH_MAX {
            let message = format!("an expression nests at most {DEPTH_MAX} deep");
            return Err(Finding::new(code::EXPRESSION_BOUND, self.peek().span.clone(), message));
        }
        let result = inner(self);
        self.nested -= 1;
        result
    }

    fn expression(&mut self) -> Result<Ast, Finding> {
        self.nest(|p| {
            let condition = p.binary(1)?;
            if !p.sign("?") {
                return Ok(condition);
            }
            let yes = p.binary(1)?;
            p.expect(":")?;
            let no = p.expression()?;
            let (from, to) = (condition.span.start, no.span.end);
            let (condition, yes, no) = (Box::new(condition), Box::new(yes), Box::new(no));
            p.node(Node::Choose { condition, yes, no }, from, to)
        })
    }

    fn operator(&self) -> Option<Op> {
        Some(match &self.peek().kind {
            Tok::Sign("||") => Op::Or,
            Tok::Sign("&&") => Op::And,
            Tok::Sign("==") => Op::Equal,
            Tok::Sign("!=") => Op::NotEqual,
            Tok::Sign("<") => Op::Less,
            Tok::Sign("<=") => Op::LessEqual,
            Tok::Sign(">") => Op::Greater,
            Tok::Sign(">=") => Op::GreaterEqual,
            Tok::Name(word) if word == "in" => Op::In,
            Tok::Sign("+") => Op::Add,
            Tok::Sign("-") => Op::Subtract,
            Tok::Sign("*") => Op::Multiply,
            Tok::Sign("/") => Op::Divide,
            Tok::Sign("%") => Op::Remainder,
            _ => return None,
        })
    }

    fn binary(&mut self, weakest: u8) -> Result<Ast, Finding> {
        let mut left = self.unary()?;
        while let Some(op) = self.operator().filter(|op| op.strength() >= weakest) {
            let at = self.next().span;
            let right = self.binary(op.strength() + 1)?;
            let (from, to) = (left.span.start, right.span.end);
            left = match (op, left.node) {
                (Op::And | Op::Or, Node::Chain { op: chained, mut parts }) if chained == op => {
                    parts.push(right);
                    self.node(Node::Chain { op, parts }, from, to)?
                }
                (Op::And | Op::Or, node) => {
                    let first = Ast { node, span: left.span, depth: left.depth };
                    self.node(Node::Chain { op, parts: vec![first, right] }, from, to)?
                }
                (_, node) => {
                    let left = Box::new(Ast { node, span: left.span, depth: left.depth });
                    let right = Box::new(right);
                    self.node(Node::Binary { op, at, left, right }, from, to)?
                }
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Ast, Finding> {
        let from = self.peek().span.start;
        if self.sign("!") {
            let of = self.nest(Self::unary)?;
            let to = of.span.end;
            return self.node(Node::Not(Box::new(of)), from, to);
        }
        if self.sign("-") {
            let of = self.nest(Self::unary)?;
            let to = of.span.end;
            let node = match of.node {
                Node::Int(value) if value >= 0 => Node::Int(-value),
                Node::Double(value) if value >= 0.0 => Node::Double(-value),
                node => Node::Negate(Box::new(Ast { node, span: of.span, depth: of.depth })),
            };
            return self.node(node, from, to);
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Result<Ast, Finding> {
        let mut of = self.primary()?;
        loop {
            let from = of.span.start;
            if self.sign(".") {
                let token = self.next();
                let Tok::Name(name) = token.kind else {
                    self.at -= 1;
                    return Err(self.unexpected("the name of a field"));
                };
                let (on, at) = (Box::new(of), token.span);
                of = if self.sign("(") {
                    let (args, to) = self.list(")")?;
                    self.node(Node::Call { on: Some(on), name, at, args }, from, to)?
                } else {
                    let to = at.end;
                    self.node(Node::Field { of: on, name, at }, from, to)?
                };
            } else if self.sign("[") {
                let index = self.expression()?;
                let to = self.expect("]")?.span.end;
                of =
                    self.node(Node::Index { of: Box::new(of), index: Box::new(index) }, from, to)?;
            } else {
                return Ok(of);
            }
        }
    }

    fn primary(&mut self) -> Result<Ast, Finding> {
        let token = self.next();
        let (from, to) = (token.span.start, token.span.end);
        match token.kind {
            Tok::Int(value) => self.node(Node::Int(value), from, to),
            Tok::Double(value) => self.node(Node::Double(value), from, to),
            Tok::Text(value) => self.node(Node::Text(value), from, to),
            Tok::Name(name) => match name.as_str() {
                "true" => self.node(Node::Bool(true), from, to),
                "false" => self.node(Node::Bool(false), from, to),
                "null" => self.node(Node::Null, from, to),
                "in" => {
                    self.at -= 1;
                    Err(self.unexpected("a value"))
                }
                word if RESERVED.contains(&word) => {
                    let message = format!("CEL keeps the word `{word}` for itself");
                    Err(Finding::new(code::EXPRESSION, from..to, message))
                }
                _ if self.sign("(") => {
                    let (args, end) = self.list(")")?;
                    self.node(Node::Call { on: None, name, at: from..to, args }, from, end)
                }
                _ => self.node(Node::Name(name), from, to),
            },
            Tok::Sign("(") => {
                let mut inner = self.expression()?;
                inner.span = from..self.expect(")")?.span.end;
                Ok(inner)
            }
            Tok::Sign("[") => {
                let (items, end) = self.list("]")?;
                self.node(Node::List(items), from, end)
            }
            Tok::Sign("{") => {
                let message = "maps are not part of the language";
                Err(Finding::new(code::EXPRESSION, from..to, message))
            }
            _ => {
                if token.kind != Tok::End {
                    self.at -= 1;
                }
                Err(self.unexpected("a value"))
            }
        }
    }

    /// What stands between brackets, separated by commas, and where the closing one ends.
    fn list(&mut self, close: &'static str) -> Result<(Vec<Ast>, usize), Finding> {
        let mut items = Vec::new();
        while !matches!(self.peek().kind, Tok::Sign(s) if s == close) {
            items.push(self.expression()?);
            if !self.sign(",") {
                break;
            }
            // CEL lets a list end in a comma, a call not.
            if close == ")" && matches!(self.peek().kind, Tok::Sign(")")) {
                return Err(self.unexpected("a value"));
            }
        }
        Ok((items, self.expect(close)?.span.end))
    }
}

fn depth(parts: &[Ast]) -> u16 {
    parts.iter().map(|part| part.depth).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        fn show(ast: &Ast) -> String {
            match &ast.node {
                Node::Binary { op, left, right, .. } => {
                    format!("({} {} {})", show(left), op.text(), show(right))
                }
                Node::Chain { op, parts } => {
                    let parts: Vec<String> = parts.iter().map(show).collect();
                    format!("({})", parts.join(&format!(" {} ", op.text())))
                }
                Node::Choose { condition, yes, no } => {
                    format!("({} ? {} : {})", show(condition), show(yes), show(no))
                }
                Node::Not(of) => format!("!{}", show(of)),
                Node::Name(name) => name.clone(),
                Node::Int(value) => value.to_string(),
                Node::Field { of, name, .. } => format!("{}.{name}", show(of)),
                other => format!("{other:?}"),
            }
        }
        show(&parse(text).expect("it parses"))
    }

    #[test]
    fn operators_bind_as_in_cel() {
        assert_eq!(shape("a || b && c == 1 + 2 * 3"), "(a || (b && (c == (1 + (2 * 3)))))");
        assert_eq!(shape("a - b - c"), "((a - b) - c)");
        assert_eq!(shape("!a.b && c ? 1 : d ? 2 : 3"), "((!a.b && c) ? 1 : (d ? 2 : 3))");
        assert_eq!(shape("a && b && c"), "(a && b && c)");
        assert_eq!(shape("a in b || c"), "((a in b) || c)");
    }

    #[test]
    fn what_is_accepted_here_is_accepted_by_cel() {
        for text in [
            "a.b == 'é' && !(c in [5, 6])",
            "xs.exists(x, x.a == \"\\u00e9\")",
            "r'\\d' + '''a'b'''",
            "-1 + -x - - 2 // comment",
            "has(a.b) ? size(a.c) : 0x1F",
            "a[0].b[1]",
            "1.5e3 < 2",
            "granted(\"zoom.list_users\")",
        ] {
            parse(text).expect(text);
            cel::parser::PrattParser::new().parse(text).expect(text);
        }
    }

    #[test]
    fn bombs_are_refused_at_once() {
        for bomb in [
            format!("{}1{}", "(".repeat(2_000), ")".repeat(2_000)),
            "!".repeat(4_000),
            format!("a{}", ".b".repeat(2_000)),
            format!("1{}", "+1".repeat(2_000)),
            format!("{}1", "true?1:".repeat(500)),
            format!("true{}", "&&true".repeat(600)),
            "[".repeat(4_096),
            "x".repeat(4_097),
        ] {
            let finding = parse(&bomb).expect_err("it is a bomb");
            assert_eq!(finding.code, code::EXPRESSION_BOUND, "{}", finding.message);
        }
    }
}
