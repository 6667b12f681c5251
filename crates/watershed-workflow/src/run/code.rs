//! Expressions and templates, ready to be evaluated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cel::common::ast::{CallExpr, EntryExpr, Expr as CelExpr, LiteralValue, SelectExpr, operators};
use cel::common::types::CelBool;
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::parser::PrattParser;
use cel::{Context, ExecutionError, IdedExpr};
use serde_json::Value;
use watershed_model::{Expr, Template, TemplatePart};

use super::convert;
use super::env::Env;
use crate::expr::{self, Node};
use crate::inputs::parse_day;

/// An expression, parsed once per process.
pub(super) struct Code {
    pub(super) text: String,
    tree: IdedExpr,
    /// Names that it uses.
    uses: BTreeMap<String, Used>,
    /// The name, where the expression is nothing but one.
    pub(super) name_only: Option<String>,
}

/// What of a name an expression uses.
enum Used {
    /// The name itself.
    Whole,
    /// These fields of it alone.
    Fields(BTreeSet<String>),
}

/// Why an expression has no value; no values of records are told.
pub(super) type Why = String;

impl Code {
    /// # Errors
    /// What is wrong with it: impossible in a plan that this compiler made.
    pub(super) fn new(expression: &Expr) -> Result<Self, Why> {
        let text = expression.0.clone();
        let ast = expr::parse(&text).map_err(|finding| finding.message)?;
        let mut uses = BTreeMap::new();
        for used in expr::uses(&ast) {
            let known = uses.entry(used.name).or_insert_with(|| Used::Fields(BTreeSet::new()));
            match (used.field, known) {
                (None, known) => *known = Used::Whole,
                (Some(field), Used::Fields(fields)) => _ = fields.insert(field),
                (Some(_), Used::Whole) => {}
            }
        }
        let name_only = match &ast.node {
            Node::Name(name) => Some(name.clone()),
            _ => None,
        };
        let mut tree = PrattParser::new().parse(&text).map_err(|errors| errors.to_string())?;
        adapt(&mut tree);
        Ok(Code { text, tree, uses, name_only })
    }

    /// # Errors
    /// Where it met a value that it cannot use.
    pub(super) fn value(
        &self,
        env: &Env<'_>,
        granted: &BTreeSet<String>,
        base: &Context<'static, 'static>,
    ) -> Result<cel::Value, Why> {
        let names = Names { env, uses: &self.uses, granted };
        let mut context = base.new_inner_scope();
        context.set_variable_resolver(&names);
        context.resolve(&self.tree).map_err(|error| explain(&error))
    }
}

/// The names in reach, for `cel`: only what is asked for is made.
struct Names<'e> {
    env: &'e Env<'e>,
    uses: &'e BTreeMap<String, Used>,
    granted: &'e BTreeSet<String>,
}

impl VariableResolver for Names<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(operation) = variable.strip_prefix(GRANTED) {
            let granted = self.granted.contains(&operation.replace(':', "."));
            return Some(CowVal::owned(CelBool::from(granted)));
        }
        let (name, field) = match variable.split_once('.') {
            Some((name, field)) => (name, Some(field)),
            None => (variable, None),
        };
        match (self.uses.get(name)?, field) {
            (Used::Whole, None) => {}
            (Used::Fields(fields), Some(field)) if fields.contains(field) => {}
            _ => return None,
        }
        let value = self.env.value(name, field)?;
        let value = convert::to_cel(&value, self.env.field_type(name, field));
        value.try_into().ok().map(CowVal::Owned)
    }
}

/// What stands before an operation's id, `:` for `.`, in the name of the variable that tells
/// whether it was granted.
const GRANTED: &str = "@granted:";

/// Rewrites what the language means differently from bare CEL: `granted("op")` becomes a
/// variable of the run, and `has(x.f)` asks for null, since a documented field is always
/// there.
fn adapt(tree: &mut IdedExpr) {
    let id = tree.id;
    match &mut tree.expr {
        CelExpr::Call(call) => {
            if call.func_name == "granted"
                && let [IdedExpr { expr: CelExpr::Literal(LiteralValue::String(text)), .. }] =
                    call.args.as_slice()
            {
                let operation = text.inner().replace('.', ":");
                tree.expr = CelExpr::Ident(format!("{GRANTED}{operation}"));
                return;
            }
            call.target.iter_mut().for_each(|target| adapt(target));
            call.args.iter_mut().for_each(adapt);
        }
        CelExpr::Select(select) => {
            adapt(&mut select.operand);
            if select.test {
                let field = SelectExpr {
                    operand: std::mem::take(&mut select.operand),
                    field: std::mem::take(&mut select.field),
                    test: false,
                };
                let null = CelExpr::Literal(LiteralValue::Null);
                tree.expr = CelExpr::Call(CallExpr {
                    func_name: operators::NOT_EQUALS.to_owned(),
                    target: None,
                    args: vec![
                        IdedExpr { id, expr: CelExpr::Select(field) },
                        IdedExpr { id, expr: null },
                    ],
                });
            }
        }
        CelExpr::Comprehension(comprehension) => {
            adapt(&mut comprehension.iter_range);
            adapt(&mut comprehension.accu_init);
            adapt(&mut comprehension.loop_cond);
            adapt(&mut comprehension.loop_step);
            adapt(&mut comprehension.result);
        }
        CelExpr::List(list) => list.elements.iter_mut().for_each(adapt),
        CelExpr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    adapt(&mut entry.value);
                }
            }
        }
        CelExpr::Unspecified | CelExpr::Ident(_) | CelExpr::Literal(_) | CelExpr::Struct(_) => {}
    }
}

/// What happened, without the values it happened with: they may be people's names.
fn explain(error: &ExecutionError) -> Why {
    let is_null = |ty: &str| ty.starts_with("null") || ty == "Null";
    match error {
        ExecutionError::NoSuchOverload(overload) => {
            let operator = overload.function().trim_matches(['_', '@']);
            let types = overload.argument_types().join(" and ");
            if overload.argument_types().iter().any(|ty| is_null(ty)) {
                format!("`{operator}` was given null")
            } else {
                format!("`{operator}` was given {types}")
            }
        }
        ExecutionError::UnexpectedType { got, want } if is_null(got) => {
            format!("null stands where {} is due", due(want))
        }
        ExecutionError::UnexpectedType { got, want } => {
            format!("{got} stands where {} is due", due(want))
        }
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            if matches!((left, right), (cel::Value::Null, _) | (_, cel::Value::Null)) {
                format!("`{operator}` was given null")
            } else {
                format!("`{operator}` was given {} and {}", left.type_of(), right.type_of())
            }
        }
        ExecutionError::ValuesNotComparable(left, right) => {
            format!("{} and {} cannot be compared", left.type_of(), right.type_of())
        }
        ExecutionError::FunctionError { function, .. } => {
            format!("`{function}` cannot be made of that value")
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "division by zero".to_owned()
        }
        ExecutionError::Overflow(operator, ..) => format!("`{operator}` overflows"),
        ExecutionError::IndexOutOfBounds(_) => "the list has no element there".to_owned(),
        ExecutionError::NoSuchKey(name) => format!("there is no `{name}`"),
        ExecutionError::UndeclaredReference(name) => format!("`{name}` is not at hand"),
        _ => "it has no value".to_owned(),
    }
}

/// The name of a type that `cel` wants, without the Rust around it.
fn due(want: &str) -> &str {
    if want.contains("String") { "text" } else { want }
}

/// The context that all evaluations share: the standard functions, and `date`.
pub(super) fn base() -> Context<'static, 'static> {
    let mut context = Context::default();
    context
        .add_function("date", |text: Arc<String>| match utc_day(&text) {
            Some(day) => Ok(cel::Value::String(Arc::new(day))),
            None => Err(ExecutionError::function_error("date", "no instant")),
        })
        .expect("the standard functions have no `date`");
    context
}

/// The UTC day of an instant, or the day itself.
pub(super) fn utc_day(text: &str) -> Option<String> {
    if let Some(day) = parse_day(text) {
        return Some(day.to_string());
    }
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(at).date().to_string())
}

/// A template, ready to be evaluated.
pub(super) struct TemplateCode(pub(super) Vec<PartCode>);

pub(super) enum PartCode {
    Text(String),
    Code(Code),
}

impl TemplateCode {
    /// # Errors
    /// As [`Code::new`].
    pub(super) fn new(template: &Template) -> Result<Self, Why> {
        let parts = template.0.iter().map(|part| match part {
            TemplatePart::Text(text) => Ok(PartCode::Text(text.clone())),
            TemplatePart::Expr(expression) => Code::new(expression).map(PartCode::Code),
        });
        Ok(TemplateCode(parts.collect::<Result<_, Why>>()?))
    }

    /// Its value: of its one expression, or text. An error names the expression.
    ///
    /// # Errors
    /// The expression, and where it met a value that it cannot use.
    pub(super) fn value(
        &self,
        env: &Env<'_>,
        granted: &BTreeSet<String>,
        base: &Context<'static, 'static>,
    ) -> Result<Value, (String, Why)> {
        let of = |code: &Code| {
            let failed = |why: Why| (code.text.clone(), why);
            let value = code.value(env, granted, base).map_err(failed)?;
            convert::from_cel(&value).ok_or_else(|| failed("it is no plain value".to_owned()))
        };
        if let [PartCode::Code(code)] = self.0.as_slice() {
            return of(code);
        }
        let mut text = String::new();
        for part in &self.0 {
            match part {
                PartCode::Text(part) => text.push_str(part),
                PartCode::Code(code) => match of(code)? {
                    Value::String(part) => text.push_str(&part),
                    Value::Null => {
                        let why = "null cannot be put into text".to_owned();
                        return Err((code.text.clone(), why));
                    }
                    other => text.push_str(&other.to_string()),
                },
            }
        }
        Ok(Value::String(text))
    }
}
