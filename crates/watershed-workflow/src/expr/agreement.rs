//! Property: what is accepted here, `cel` reads as the same tree.

use cel::common::ast::{Expr as CelExpr, LiteralValue, operators};
use cel::parser::PrattParser;
use proptest::prelude::*;

use super::ast::{Ast, Node};
use super::parse;

/// The tree, every operation in brackets.
fn ours(ast: &Ast) -> String {
    let all = |parts: &[Ast]| parts.iter().map(ours).collect::<Vec<_>>();
    match &ast.node {
        Node::Null => "null".to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Int(value) => value.to_string(),
        Node::Double(value) => format!("{value:?}"),
        Node::Text(text) => format!("{text:?}"),
        Node::List(items) => format!("[{}]", all(items).join(", ")),
        Node::Name(name) => name.clone(),
        Node::Field { of, name, .. } => format!("{}.{name}", ours(of)),
        Node::Index { of, index } => format!("{}[{}]", ours(of), ours(index)),
        Node::Call { on, name, args, .. } => {
            let on = on.as_ref().map(|on| format!("{}.", ours(on))).unwrap_or_default();
            format!("{on}{name}({})", all(args).join(", "))
        }
        Node::Not(of) => format!("!{}", ours(of)),
        Node::Negate(of) => format!("-{}", ours(of)),
        Node::Binary { op, left, right, .. } => {
            format!("({} {} {})", ours(left), op.text(), ours(right))
        }
        Node::Chain { op, parts } => format!("({})", all(parts).join(&format!(" {} ", op.text()))),
        Node::Choose { condition, yes, no } => {
            format!("({} ? {} : {})", ours(condition), ours(yes), ours(no))
        }
    }
}

fn theirs(tree: &cel::IdedExpr) -> String {
    match &tree.expr {
        CelExpr::Literal(literal) => match literal {
            LiteralValue::Null => "null".to_owned(),
            LiteralValue::Boolean(value) => value.inner().to_string(),
            LiteralValue::Int(value) => value.inner().to_string(),
            LiteralValue::Double(value) => format!("{:?}", value.inner()),
            LiteralValue::String(text) => format!("{:?}", text.inner()),
            other => panic!("the language has no {other:?}"),
        },
        CelExpr::Ident(name) => name.clone(),
        CelExpr::Select(select) => format!("{}.{}", theirs(&select.operand), select.field),
        CelExpr::List(list) => {
            let items: Vec<String> = list.elements.iter().map(theirs).collect();
            format!("[{}]", items.join(", "))
        }
        CelExpr::Call(call) => {
            let args: Vec<String> = call.args.iter().map(theirs).collect();
            match call.func_name.as_str() {
                operators::CONDITIONAL => format!("({} ? {} : {})", args[0], args[1], args[2]),
                operators::LOGICAL_NOT => format!("!{}", args[0]),
                operators::NEGATE => format!("-{}", args[0]),
                operators::INDEX => format!("{}[{}]", args[0], args[1]),
                operators::LOGICAL_AND | operators::LOGICAL_OR => {
                    format!("({})", chained(tree, &call.func_name).join(&sign(&call.func_name)))
                }
                name if name.starts_with('_') || name.starts_with('@') => {
                    format!("({}{}{})", args[0], sign(name), args[1])
                }
                name => {
                    let on = call.target.as_ref().map(|on| format!("{}.", theirs(on)));
                    format!("{}{name}({})", on.unwrap_or_default(), args.join(", "))
                }
            }
        }
        other => panic!("the language has no {other:?}"),
    }
}

fn sign(function: &str) -> String {
    format!(" {} ", function.trim_matches(['_', '@']))
}

/// The parts of a chain: `cel` makes a balanced tree of it.
fn chained(tree: &cel::IdedExpr, function: &str) -> Vec<String> {
    match &tree.expr {
        CelExpr::Call(call) if call.func_name == function => {
            call.args.iter().flat_map(|arg| chained(arg, function)).collect()
        }
        _ => vec![theirs(tree)],
    }
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "b_1",
        "1",
        "0",
        "17",
        "0x1F",
        "1.5",
        "2e3",
        "true",
        "null",
        "'é'",
        "\"a\\\"b\"",
        "r'\\d'",
        "'''x'y'''",
        "'\\u00e9\\n'",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let binary = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", " in ", "&&", "||",
        ]);
        prop_oneof![
            (inner.clone(), binary, inner.clone()).prop_map(|(a, op, b)| format!("{a}{op} {b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("!{a}")),
            inner.clone().prop_map(|a| format!("- {a}")),
            inner.clone().prop_map(|a| format!("({a}).f")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("f({a}, {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}).m({b})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("{a} ? {b} : {c}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn both_read_the_same_tree(text in expression()) {
        if let Ok(ast) = parse(&text) {
            let tree = PrattParser::new().parse(&text);
            prop_assert!(tree.is_ok(), "cel refuses {}", text);
            // `cel` drops pairs of signs while it reads; both know one zero.
            let normal = |shown: String| {
                shown.replace("--", "").replace("!!", "").replace("-0", "0")
            };
            prop_assert_eq!(normal(ours(&ast)), normal(theirs(&tree.expect("it is good"))));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[-a-z0-9.()'\"!&|=<> \\[\\]?:+é\\\\]{0,60}") {
        if parse(&text).is_ok() {
            prop_assert!(PrattParser::new().parse(&text).is_ok(), "cel refuses {}", text);
        }
    }
}
