//! The kinds of mistakes that a workflow file can have.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        $($(#[$doc])* pub(crate) const $name: &str = $code;)+

        /// Every code that a diagnostic can bear.
        pub const CODES: &[&str] = &[$($code),+];
    };
}

codes! {
    /// Not YAML at all.
    YAML = "yaml";
    /// A key twice in one map.
    DUPLICATE_KEY = "duplicate-key";
    /// Beyond the bounds of a file.
    TOO_LARGE = "too-large";
    /// A key that is not known.
    UNKNOWN_KEY = "unknown-key";
    /// A key that must be there.
    MISSING_KEY = "missing-key";
    /// A value of another kind than is due.
    VALUE_KIND = "value-kind";
    /// A word that is not one of those due.
    UNKNOWN_WORD = "unknown-word";
    /// A name of another form than is due.
    NAME = "name";
    /// A name that has a meaning already.
    NAME_TAKEN = "name-taken";
    /// A date that is none.
    DATE = "date";
    /// A default that its input cannot take.
    DEFAULT = "default";
    /// An `enum` without values, or values without `enum`.
    ENUM_VALUES = "enum-values";
    /// A delay or a range of delays that is none.
    BACKOFF = "backoff";
    /// Attempts out of range.
    ATTEMPTS = "attempts";
    /// Cron fields that are none, or of a day that never comes.
    CRON = "cron";
    /// A time zone that does not exist.
    TIMEZONE = "timezone";
    /// A jitter that is no length of time.
    JITTER = "jitter";
    /// A schedule that is due whenever one above it is.
    REPEATED_SCHEDULE = "repeated-schedule";
    /// A percentage that is none.
    TOLERATE = "tolerate";
    /// A window's size that is none.
    WINDOW_SIZE = "window-size";
    /// An operation that the catalogue does not have.
    UNKNOWN_OPERATION = "unknown-operation";
    /// A step that does not exist.
    UNKNOWN_STEP = "unknown-step";
    /// A step named twice where once is due.
    REPEATED_STEP = "repeated-step";
    /// A list of steps and of values at once.
    MIXED_SOURCES = "mixed-sources";
    /// An empty list.
    EMPTY_LIST = "empty-list";
    /// A field that is no list of records.
    NOT_A_LIST = "not-a-list";
    /// Values that look like a mistyped step.
    LITERAL_LIKE_STEP = "literal-like-step";
    /// Keys that exclude each other.
    EXCLUSIVE_KEYS = "exclusive-keys";
    /// A cycle.
    CYCLE = "cycle";
    /// A join that cannot stand there.
    JOIN_PLACE = "join-place";
    /// More joins than a plan holds.
    TOO_MANY_LEVELS = "too-many-levels";
    /// A parameter that the operation does not have.
    UNKNOWN_PARAMETER = "unknown-parameter";
    /// A parameter that the operation needs.
    MISSING_PARAMETER = "missing-parameter";
    /// A value that the parameter does not take.
    PARAMETER_TYPE = "parameter-type";
    /// An expression that cannot be read.
    EXPRESSION = "expression";
    /// An expression beyond the bounds.
    EXPRESSION_BOUND = "expression-bound";
    /// `${{` without `}}`, or braces where none are due.
    BRACES = "braces";
    /// A name that is not in reach.
    UNKNOWN_NAME = "unknown-name";
    /// A field that the record does not have.
    UNKNOWN_FIELD = "unknown-field";
    /// A function that does not exist.
    UNKNOWN_FUNCTION = "unknown-function";
    /// Types that do not fit.
    TYPE = "type";
    /// `once` that would let only one window through.
    ONCE_WINDOW = "once-window";
    /// `newest_first` over items without a start.
    ORDER = "order";
    /// `on_unavailable: continue` without an item to go on with.
    CONTINUE = "continue";
    /// An input that nothing uses.
    UNUSED_INPUT = "unused-input";
}
