//! Which names and fields an expression uses: what must be at hand when it is evaluated.

use std::collections::BTreeSet;

use super::ast::{Ast, Node};

/// A name, and the field of it; `None`: the value itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) name: String,
    pub(crate) field: Option<String>,
}

/// Macros that bind a name to each element of a list.
pub(super) const BINDING: [&str; 5] = ["all", "exists", "exists_one", "map", "filter"];

/// Everything that the expression uses, names bound by its own macros left out.
pub(crate) fn uses(ast: &Ast) -> BTreeSet<Use> {
    let mut found = BTreeSet::new();
    collect(ast, &mut Vec::new(), &mut found);
    found
}

fn collect(ast: &Ast, bound: &mut Vec<String>, found: &mut BTreeSet<Use>) {
    match &ast.node {
        Node::Name(name) => add(name, None, bound, found),
        Node::Field { of, name: field, .. } => match &of.node {
            Node::Name(name) => add(name, Some(field), bound, found),
            _ => collect(of, bound, found),
        },
        Node::Call { on, name, args, .. } => {
            if let Some(on) = on {
                collect(on, bound, found);
            }
            let binds = match args.first().map(|a| &a.node) {
                Some(Node::Name(bound)) if on.is_some() && BINDING.contains(&name.as_str()) => {
                    Some(bound.clone())
                }
                _ => None,
            };
            let macro_of = usize::from(binds.is_some());
            bound.extend(binds);
            args[macro_of..].iter().for_each(|arg| collect(arg, bound, found));
            bound.truncate(bound.len() - macro_of);
        }
        Node::List(items) | Node::Chain { parts: items, .. } => {
            items.iter().for_each(|item| collect(item, bound, found));
        }
        Node::Index { of, index } => {
            collect(of, bound, found);
            collect(index, bound, found);
        }
        Node::Not(of) | Node::Negate(of) => collect(of, bound, found),
        Node::Binary { left, right, .. } => {
            collect(left, bound, found);
            collect(right, bound, found);
        }
        Node::Choose { condition, yes, no } => {
            collect(condition, bound, found);
            collect(yes, bound, found);
            collect(no, bound, found);
        }
        Node::Null | Node::Bool(_) | Node::Int(_) | Node::Double(_) | Node::Text(_) => {}
    }
}

fn add(name: &str, field: Option<&String>, bound: &[String], found: &mut BTreeSet<Use>) {
    if !bound.iter().any(|b| b == name) {
        found.insert(Use { name: name.to_owned(), field: field.cloned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::parse;

    #[test]
    fn names_bound_by_a_macro_are_not_used_from_outside() {
        let ast = parse("a.list.exists(x, x.b == c.d) && x.e").expect("it parses");
        let found: Vec<String> = uses(&ast)
            .into_iter()
            .map(|u| format!("{}.{}", u.name, u.field.unwrap_or_default()))
            .collect();
        assert_eq!(found, ["a.list", "c.d", "x.e"]);
    }
}
