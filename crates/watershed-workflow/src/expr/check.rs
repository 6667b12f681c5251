//! The type checker: unknown names, fields and functions, and types that do not fit.

use std::ops::Range;

use super::ast::{Ast, Node, Op};
use super::scope::Scope;
use super::types::{Ty, record_field};
use super::uses::BINDING;
use crate::code;
use crate::suggest;

mod call;

/// Macros inside each other: two are quadratic in a list's length, three would be cubic.
const MACROS_NESTED_MAX: u16 = 2;

/// Something that is wrong with an expression. Positions are bytes of its own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) code: &'static str,
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
}

impl Finding {
    pub(crate) fn new(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Finding { code, span, message: message.into(), suggestion: None }
    }

    pub(crate) fn help(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}

/// The type of an expression, and everything that is wrong with it.
pub(crate) fn check(ast: &Ast, scope: &Scope) -> (Ty, Vec<Finding>) {
    let mut checker = Checker { found: Vec::new(), macros: 0 };
    let ty = checker.value(ast, scope);
    (ty, checker.found)
}

struct Checker {
    found: Vec<Finding>,
    macros: u16,
}

impl Checker {
    fn report(&mut self, finding: Finding) -> Ty {
        self.found.push(finding);
        Ty::Any
    }

    fn mismatch(&mut self, span: &Range<usize>, message: impl Into<String>) -> Ty {
        self.report(Finding::new(code::TYPE, span.clone(), message))
    }

    /// The type of something that is used as a value.
    fn value(&mut self, ast: &Ast, scope: &Scope) -> Ty {
        match &ast.node {
            Node::Null => Ty::Null,
            Node::Bool(_) => Ty::Bool,
            Node::Int(_) => Ty::Int,
            Node::Double(_) => Ty::Double,
            Node::Text(_) => Ty::Text,
            Node::Name(name) => self.name(name, &ast.span, scope),
            Node::Field { of, name, at } => self.field(of, name, at, scope),
            Node::List(items) => {
                let ty = items.iter().map(|item| self.value(item, scope)).reduce(Ty::join);
                Ty::List(Box::new(ty.unwrap_or(Ty::Any)))
            }
            Node::Index { of, index } => self.index(of, index, scope),
            Node::Call { on, name, at, args } => {
                self.call(ast, on.as_deref(), name, at, args, scope)
            }
            Node::Not(of) => {
                self.truth(of, scope, "`!`");
                Ty::Bool
            }
            Node::Negate(of) => match self.value(of, scope) {
                ty @ (Ty::Int | Ty::Double | Ty::Any) => ty,
                ty => self.mismatch(&of.span, format!("`-` needs a number; this is {}", ty.name())),
            },
            Node::Chain { op, parts } => {
                let of = format!("`{}`", op.text());
                parts.iter().for_each(|part| self.truth(part, scope, &of));
                Ty::Bool
            }
            Node::Choose { condition, yes, no } => {
                self.truth(condition, scope, "the condition before `?`");
                let yes = self.value(yes, scope);
                yes.join(self.value(no, scope))
            }
            Node::Binary { op, at, left, right } => self.binary(*op, at, left, right, scope),
        }
    }

    fn truth(&mut self, ast: &Ast, scope: &Scope, of: &str) {
        let ty = self.value(ast, scope);
        if !matches!(ty, Ty::Bool | Ty::Any) {
            let message = format!("{of} needs true or false; this is {}", ty.name());
            self.mismatch(&ast.span, message);
        }
    }

    fn name(&mut self, name: &str, span: &Range<usize>, scope: &Scope) -> Ty {
        if let Some(ty) = scope.names.get(name) {
            return ty.clone();
        }
        let finding = Finding::new(
            code::UNKNOWN_NAME,
            span.clone(),
            match name {
                "failures" => "`failures` is only in reach of a step with `needs`".to_owned(),
                "window" => {
                    "`window` is only in reach of a step with `windows`, and beneath".to_owned()
                }
                _ => format!("no `{name}` is in reach here"),
            },
        );
        let help = match scope.items.get(name) {
            Some(step) => Some(format!(
                "`{name}` is the item of step `{step}`, which this step does not stand beneath"
            )),
            None => suggest::instead(name, scope.names.keys().map(String::as_str)),
        };
        self.report(Finding { suggestion: help, ..finding })
    }

    fn field(&mut self, of: &Ast, name: &str, at: &Range<usize>, scope: &Scope) -> Ty {
        match self.value(of, scope) {
            Ty::Any => Ty::Any,
            Ty::Group { what, members } => match members.get(name) {
                Some(ty) => ty.clone(),
                None => {
                    let message = match what {
                        "inputs" => format!("the workflow has no input `{name}`"),
                        "failures" => {
                            format!("failures of `{name}` are not known to this step")
                        }
                        _ => format!("`{what}` has no `{name}`"),
                    };
                    let help = suggest::instead(name, members.keys().map(String::as_str));
                    let finding = Finding::new(code::UNKNOWN_FIELD, at.clone(), message);
                    self.report(Finding { suggestion: help, ..finding })
                }
            },
            Ty::Record(records) => match record_field(&records, name) {
                Some(ty) => ty,
                None => self.no_field(&records, name, at),
            },
            Ty::List(_) => {
                let message = format!("a list has no field `{name}`");
                let finding = Finding::new(code::TYPE, at.clone(), message);
                self.report(finding.help("ask of its elements: `list.exists(x, x.field == …)`"))
            }
            ty => self.mismatch(at, format!("{} has no fields", ty.name())),
        }
    }

    fn no_field(
        &mut self,
        records: &[&'static watershed_model::Record],
        name: &str,
        at: &Range<usize>,
    ) -> Ty {
        let kinds: Vec<&str> = records.iter().map(|r| r.name).collect();
        let kinds = kinds.join(" or ");
        let secret = records.iter().any(|r| r.fields.iter().any(|f| f.name == name && f.secret));
        if secret {
            let message = format!("`{name}` of {kinds} is a secret, which is never kept");
            return self.report(Finding::new(code::UNKNOWN_FIELD, at.clone(), message));
        }
        let known = records.iter().flat_map(|r| r.fields.iter());
        let help = suggest::instead(name, known.filter(|f| !f.secret).map(|f| f.name));
        let message = format!("{kinds} has no field `{name}`");
        let finding = Finding::new(code::UNKNOWN_FIELD, at.clone(), message);
        self.report(Finding { suggestion: help, ..finding })
    }

    fn index(&mut self, of: &Ast, index: &Ast, scope: &Scope) -> Ty {
        let place = self.value(index, scope);
        match self.value(of, scope) {
            Ty::Any => Ty::Any,
            Ty::List(element) => {
                if !matches!(place, Ty::Int | Ty::Any) {
                    let message = format!("a list's index is a whole number, not {}", place.name());
                    self.mismatch(&index.span, message);
                }
                *element
            }
            ty => {
                self.mismatch(&of.span, format!("only a list has an index; this is {}", ty.name()))
            }
        }
    }

    fn binary(&mut self, op: Op, at: &Range<usize>, left: &Ast, right: &Ast, scope: &Scope) -> Ty {
        let (a, b) = (self.value(left, scope), self.value(right, scope));
        match op {
            Op::Equal | Op::NotEqual => {
                self.comparable(op, at, (left, &a), (right, &b));
                Ty::Bool
            }
            Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => {
                for (ast, ty) in [(left, &a), (right, &b)] {
                    let ordered = ty.is_text() || ty.is_number() || matches!(ty, Ty::Any);
                    if !ordered {
                        let message = format!("`{}` does not order {}", op.text(), ty.name());
                        self.mismatch(&ast.span, message);
                        return Ty::Bool;
                    }
                }
                self.comparable(op, at, (left, &a), (right, &b));
                Ty::Bool
            }
            Op::In => {
                match &b {
                    Ty::List(element) => match &right.node {
                        Node::List(items) => {
                            for item in items {
                                let ty = self.value(item, scope);
                                self.comparable(op, &item.span, (left, &a), (item, &ty));
                            }
                        }
                        _ => self.comparable(op, at, (left, &a), (right, element)),
                    },
                    Ty::Any => {}
                    ty => {
                        let message = format!("`in` needs a list; this is {}", ty.name());
                        self.mismatch(&right.span, message);
                    }
                }
                Ty::Bool
            }
            _ => self.arithmetic(op, at, &a, &b),
        }
    }

    fn arithmetic(&mut self, op: Op, at: &Range<usize>, a: &Ty, b: &Ty) -> Ty {
        match (a, b) {
            (Ty::Any, _) | (_, Ty::Any) => Ty::Any,
            (Ty::Int, Ty::Int) => Ty::Int,
            (Ty::Double, Ty::Double) if op != Op::Remainder => Ty::Double,
            (Ty::List(x), Ty::List(y)) if op == Op::Add => {
                Ty::List(Box::new((**x).clone().join((**y).clone())))
            }
            (a, b) if op == Op::Add && a.is_text() && b.is_text() => Ty::Text,
            (a, b) => {
                let message =
                    format!("`{}` does not work on {} and {}", op.text(), a.name(), b.name());
                let finding = Finding::new(code::TYPE, at.clone(), message);
                self.report(match (a, b) {
                    (Ty::Int, Ty::Double) | (Ty::Double, Ty::Int) => {
                        finding.help("make both numbers alike with `double()`")
                    }
                    (a, b) if a.is_text() || b.is_text() => {
                        finding.help("make a number text with `string()`")
                    }
                    _ => finding,
                })
            }
        }
    }

    /// Reports two sides that can never be equal, or never be ordered.
    fn comparable(&mut self, op: Op, at: &Range<usize>, a: (&Ast, &Ty), b: (&Ast, &Ty)) {
        let ((left, a), (right, b)) = (a, b);
        for (ast, ty) in [(left, a), (right, b)] {
            if let Ty::Record(_) | Ty::Group { .. } = ty {
                let message = format!("{} is not compared as a whole", ty.name());
                let finding = Finding::new(code::TYPE, ast.span.clone(), message);
                self.report(finding.help("compare a field of it"));
                return;
            }
        }
        if text_of(left).is_some() != text_of(right).is_some() {
            let (ty, literal) = if text_of(left).is_some() { (b, left) } else { (a, right) };
            self.literal(ty, literal);
        }
        match (a, b) {
            (Ty::Any | Ty::Null, _) | (_, Ty::Any | Ty::Null) => {}
            (Ty::Date, Ty::Time) | (Ty::Time, Ty::Date) => {
                let message = format!("`{}` compares an instant with a day", op.text());
                let finding = Finding::new(code::TYPE, at.clone(), message);
                self.report(finding.help("take the UTC day of the instant: `date(…)`"));
            }
            (a, b) if a.is_text() && b.is_text() => {}
            (a, b) if a.is_number() && b.is_number() => {}
            (Ty::Bool, Ty::Bool) | (Ty::List(_), Ty::List(_)) => {}
            (a, b) => {
                let message = format!(
                    "`{}` compares {} with {}: that is never so",
                    op.text(),
                    a.name(),
                    b.name()
                );
                self.mismatch(at, message);
            }
        }
    }

    /// Checks a text literal against the type of what it is compared with.
    fn literal(&mut self, ty: &Ty, literal: &Ast) {
        let Some(text) = text_of(literal) else { return };
        match ty {
            Ty::OneOf(values) if !values.iter().any(|v| v == text) => {
                let message = format!("what it is compared with is never \"{text}\"");
                let help = suggest::instead(text, values.iter().map(String::as_str));
                let finding = Finding::new(code::TYPE, literal.span.clone(), message);
                self.report(Finding { suggestion: help, ..finding });
            }
            Ty::Date if text.parse::<jiff::civil::Date>().is_err() || text.len() != 10 => {
                self.mismatch(&literal.span, "it is compared with a day: yyyy-mm-dd");
            }
            Ty::Time if text.parse::<jiff::Timestamp>().is_err() => {
                let message = "it is compared with an instant: yyyy-mm-ddThh:mm:ssZ";
                let finding = Finding::new(code::TYPE, literal.span.clone(), message);
                self.report(finding.help("compare the UTC day of the instant: `date(…)`"));
            }
            _ => {}
        }
    }
}

fn text_of(ast: &Ast) -> Option<&str> {
    match &ast.node {
        Node::Text(text) => Some(text),
        _ => None,
    }
}
