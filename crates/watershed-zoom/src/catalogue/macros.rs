//! Short forms in which the rows are written.

/// The documented fields of a record: `fields![id: Text, type: Int; secret host_key: Text]`.
macro_rules! fields {
    (
        $($name:ident : $ty:expr),* $(,)?
        $(; secret $($hidden:ident : $hidden_ty:expr),* $(,)?)?
    ) => {{
        use watershed_model::FieldType::*;
        &[
            $(watershed_model::Field { name: stringify!($name), ty: $ty, secret: false },)*
            $($(watershed_model::Field {
                name: stringify!($hidden), ty: $hidden_ty, secret: true,
            },)*)?
        ]
    }};
}

/// The parameters of an operation: `params![user_id => "userId": Text, Path, required]`.
macro_rules! params {
    ($($name:ident => $wire:literal : $ty:expr, $place:expr, $need:ident);* $(;)?) => {{
        use watershed_model::{ParamPlace::*, ParamType::*};
        &[$(watershed_model::Param {
            name: stringify!($name),
            wire: $wire,
            ty: $ty,
            place: $place,
            required: params!(@ $need),
        },)*]
    }};
    (@ required) => { true };
    (@ optional) => { false };
}

pub(super) use {fields, params};
