//! Calls: functions, methods and macros.

use std::ops::Range;

use super::{BINDING, Checker, Finding, MACROS_NESTED_MAX, text_of};
use crate::code;
use crate::expr::ast::{Ast, Node};
use crate::expr::scope::Scope;
use crate::expr::types::Ty;
use crate::suggest;

/// Functions, called as `name(…)`.
const FUNCTIONS: [&str; 7] = ["date", "double", "granted", "has", "int", "size", "string"];

/// Methods, called as `value.name(…)`.
const METHODS: [&str; 10] = [
    "all",
    "contains",
    "endsWith",
    "exists",
    "exists_one",
    "filter",
    "map",
    "matches",
    "size",
    "startsWith",
];

impl Checker {
    pub(super) fn call(
        &mut self,
        whole: &Ast,
        on: Option<&Ast>,
        name: &str,
        at: &Range<usize>,
        args: &[Ast],
        scope: &Scope,
    ) -> Ty {
        match (on, name) {
            (Some(on), _) if BINDING.contains(&name) => {
                self.binding(whole, on, name, at, args, scope)
            }
            (Some(on), "startsWith" | "endsWith" | "contains" | "matches") => {
                self.on_text(on, name, at, args, scope)
            }
            (Some(on), "size") if args.is_empty() => self.size(on, scope),
            (None, "size") if args.len() == 1 => self.size(&args[0], scope),
            (None, "has") if args.len() == 1 => {
                if !matches!(args[0].node, Node::Field { .. }) {
                    let message = "`has` asks whether a field is there: `has(name.field)`";
                    self.mismatch(&args[0].span, message);
                }
                self.value(&args[0], scope);
                Ty::Bool
            }
            (None, "date") if args.len() == 1 => self.date(&args[0], scope),
            (None, "granted") if args.len() == 1 => self.granted(&args[0], scope),
            (None, "string" | "int" | "double") if args.len() == 1 => {
                self.conversion(name, &args[0], scope)
            }
            (None, known) if FUNCTIONS.contains(&known) => {
                let message = format!("`{known}` takes one argument, not {}", args.len());
                self.report(Finding::new(code::TYPE, at.clone(), message))
            }
            _ => self.unknown(on.is_some(), name, at),
        }
    }

    fn unknown(&mut self, method: bool, name: &str, at: &Range<usize>) -> Ty {
        let (known, other): (&[&str], &[&str]) =
            if method { (&METHODS, &FUNCTIONS) } else { (&FUNCTIONS, &METHODS) };
        let message = if method {
            format!("nothing has a method `{name}`")
        } else {
            format!("there is no function `{name}`")
        };
        let help = if other.contains(&name) {
            let form = if method { format!("{name}(…)") } else { format!("value.{name}(…)") };
            Some(format!("it is called as `{form}`"))
        } else {
            suggest::instead(name, known.iter().copied())
        };
        let finding = Finding::new(code::UNKNOWN_FUNCTION, at.clone(), message);
        self.report(Finding { suggestion: help, ..finding })
    }

    fn size(&mut self, of: &Ast, scope: &Scope) -> Ty {
        let ty = self.value(of, scope);
        if !(ty.is_text() || matches!(ty, Ty::List(_) | Ty::Any)) {
            let message = format!("`size` is of text or a list; this is {}", ty.name());
            self.mismatch(&of.span, message);
        }
        Ty::Int
    }

    fn date(&mut self, of: &Ast, scope: &Scope) -> Ty {
        let ty = self.value(of, scope);
        if !(ty.is_text() || ty == Ty::Any) {
            let message = format!("`date` takes an instant; this is {}", ty.name());
            self.mismatch(&of.span, message);
        }
        Ty::Date
    }

    fn granted(&mut self, of: &Ast, scope: &Scope) -> Ty {
        match text_of(of) {
            None => {
                let message = "`granted` takes the name of an operation in quotes";
                self.mismatch(&of.span, message);
            }
            Some(operation) if !scope.operations.contains(&operation) => {
                let message = format!("there is no operation `{operation}`");
                let help = suggest::instead(operation, scope.operations.iter().copied());
                let finding = Finding::new(code::UNKNOWN_OPERATION, of.span.clone(), message);
                self.report(Finding { suggestion: help, ..finding });
            }
            Some(_) => {}
        }
        Ty::Bool
    }

    fn conversion(&mut self, to: &str, of: &Ast, scope: &Scope) -> Ty {
        let ty = self.value(of, scope);
        if !(ty.is_text() || ty.is_number() || ty == Ty::Any) {
            let message = format!("`{to}` takes a number or text; this is {}", ty.name());
            self.mismatch(&of.span, message);
        }
        match to {
            "string" => Ty::Text,
            "int" => Ty::Int,
            _ => Ty::Double,
        }
    }

    fn on_text(
        &mut self,
        on: &Ast,
        name: &str,
        at: &Range<usize>,
        args: &[Ast],
        scope: &Scope,
    ) -> Ty {
        for part in std::iter::once(on).chain(args) {
            let ty = self.value(part, scope);
            if !(ty.is_text() || ty == Ty::Any) {
                let message = format!("`{name}` works on text; this is {}", ty.name());
                self.mismatch(&part.span, message);
            }
        }
        match args {
            [pattern] if name == "matches" => match text_of(pattern) {
                None => {
                    let message = "`matches` takes its pattern in quotes";
                    self.mismatch(&pattern.span, message);
                }
                Some(text) if !is_pattern(text) => {
                    self.mismatch(&pattern.span, "this is no regular expression");
                }
                Some(_) => {}
            },
            [_] => {}
            _ => {
                let message = format!("`{name}` takes one argument, not {}", args.len());
                self.mismatch(at, message);
            }
        }
        Ty::Bool
    }

    fn binding(
        &mut self,
        whole: &Ast,
        on: &Ast,
        name: &str,
        at: &Range<usize>,
        args: &[Ast],
        scope: &Scope,
    ) -> Ty {
        let element = match self.value(on, scope) {
            Ty::List(element) => *element,
            Ty::Any => Ty::Any,
            ty => {
                let message = format!("`{name}` works on a list; this is {}", ty.name());
                self.mismatch(&on.span, message)
            }
        };
        let [bound, body] = args else {
            let message = format!("`{name}` takes a name and an expression: `{name}(x, …)`");
            return self.mismatch(at, message);
        };
        let Node::Name(bound_name) = &bound.node else {
            let message = format!("`{name}` binds a name here: `{name}(x, …)`");
            return self.mismatch(&bound.span, message);
        };
        if scope.names.contains_key(bound_name) {
            let message = format!("`{bound_name}` has a meaning already");
            let finding = Finding::new(code::UNKNOWN_NAME, bound.span.clone(), message);
            self.report(finding.help("choose a name that is not in reach yet"));
        }
        if self.macros == MACROS_NESTED_MAX {
            let message = format!("macros nest at most {MACROS_NESTED_MAX} deep");
            return self.report(Finding::new(code::EXPRESSION_BOUND, whole.span.clone(), message));
        }
        self.macros += 1;
        let inner = scope.with(bound_name, element.clone());
        let ty = if name == "map" {
            Ty::List(Box::new(self.value(body, &inner)))
        } else {
            self.truth(body, &inner, &format!("`{name}`"));
            if name == "filter" { Ty::List(Box::new(element)) } else { Ty::Bool }
        };
        self.macros -= 1;
        ty
    }
}

/// Whether `matches` will take the pattern: `cel` itself is asked.
fn is_pattern(text: &str) -> bool {
    let mut context = cel::Context::default();
    context.add_variable_from_value("pattern", text.to_owned());
    let Ok(asked) = cel::parser::PrattParser::new().parse("''.matches(pattern)") else {
        return false;
    };
    context.resolve(&asked).is_ok()
}
