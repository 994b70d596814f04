//! Reads a value leniently, and tells what does not fit.
//!
//! The type says what it expects by the method that it calls. Where the value is of another kind,
//! and no rule turns the one into the other, the value is recorded, and the type gets an empty one
//! of the kind that it expects, so that one pass finds all such values. What it makes of them is
//! thrown away: the next pass leaves the recorded ones out.

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::BorrowedStrDeserializer,
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value};

use super::{
    error::Error,
    number::{double_in_text, whole_number},
    pass::{Gone, Node, Pass, Step, Supplied},
};
use crate::notification::object::{NumberOrString, When};

static NULL: Value = Value::Null;

/// One value.
#[derive(Clone, Copy)]
pub(super) struct Fit<'p, 'de> {
    node: &'p Node<'p, 'de>,
    pass: &'p Pass<'de>,
    value: &'de Value,
    /// It was taken out, and `value` is `null`.
    gone: bool,
    /// It stands for a list with itself as the only item, and not for another such list.
    single: bool,
}

impl<'p, 'de> Fit<'p, 'de> {
    pub(super) fn new(node: &'p Node<'p, 'de>, pass: &'p Pass<'de>) -> Self {
        Self {
            node,
            pass,
            value: node.value,
            gone: false,
            single: false,
        }
    }

    /// Records the value, and reads an empty one.
    fn mismatch<T>(
        self,
        expected: &'static str,
        read: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.gone || self.node.parent.is_none() {
            return Err(Error::Unfit(expected.into()));
        }
        self.pass.record(self.node, expected)?;
        read()
    }

    /// As [`mismatch`](Self::mismatch), where the type takes a list or an object: an empty one
    /// stands for what was taken out of a field that must be there. No text, number or boolean does
    /// so, since none of them says nothing.
    fn empty<T>(
        self,
        expected: &'static str,
        read: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.gone {
            read()
        } else {
            self.mismatch(expected, read)
        }
    }

    fn whole<T, V>(self, expected: &'static str, visitor: V) -> Result<V::Value, Error>
    where
        T: TryFrom<i128>,
        V: Visitor<'de>,
    {
        let number = whole_number(self.value).filter(|number| T::try_from(*number).is_ok());
        let Some(number) = number else {
            return self.mismatch(expected, || visitor.visit_u64(0));
        };
        // As serde_json tells them.
        match (u64::try_from(number), i64::try_from(number)) {
            (Ok(number), _) => visitor.visit_u64(number),
            (_, Ok(number)) => visitor.visit_i64(number),
            _ => visitor.visit_i128(number),
        }
    }

    fn double<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Number(_) => Ok(self.value.deserialize_f64(visitor)?),
            Value::String(text) => match double_in_text(text) {
                Some(number) => visitor.visit_f64(number),
                None => self.mismatch("a number", || visitor.visit_f64(0.0)),
            },
            _ => self.mismatch("a number", || visitor.visit_f64(0.0)),
        }
    }

    fn members<V>(self, members: &'de Map<String, Value>, visitor: V) -> Result<V::Value, Error>
    where
        V: Visitor<'de>,
    {
        let is_root = self.node.parent.is_none();
        let mut access = Members {
            of: self,
            rest: members.iter(),
            supplied: if is_root { self.pass.supplied } else { &[] },
            pending: None,
        };
        let read = match visitor.visit_map(&mut access) {
            // It was refused because of its name, before it was read: there are two of a meaning.
            Err(error) => match access.pending.take() {
                Some((step, value, _)) => Err(self.pass.locate(&self.child(step, value), error)),
                None => Err(error),
            },
            Ok(read) => Ok(read),
        }?;
        match access.next() {
            None => Ok(read),
            Some(_) => Err(Error::Unfit("an object with fewer members".into())),
        }
    }

    fn items<V>(self, items: &'de [Value], kind: Items, visitor: V) -> Result<V::Value, Error>
    where
        V: Visitor<'de>,
    {
        let mut access = Sequence {
            of: self,
            items: items.iter().enumerate(),
            kind,
        };
        let read = visitor.visit_seq(&mut access)?;
        match access.next() {
            None => Ok(read),
            Some(_) => Err(Error::Unfit("a list with fewer items".into())),
        }
    }

    fn child<'c>(self, step: Step<'de>, value: &'de Value) -> Node<'c, 'de>
    where
        'p: 'c,
    {
        Node {
            parent: Some(self.node),
            step,
            value,
        }
    }

    /// Reads a child, and notes where an error came from.
    fn read<S>(self, step: Step<'de>, value: &'de Value, gone: bool, seed: S) -> Read<'de, S>
    where
        S: DeserializeSeed<'de>,
    {
        let node = self.child(step, value);
        let fit = Fit {
            node: &node,
            pass: self.pass,
            value: if gone { &NULL } else { value },
            gone,
            single: false,
        };
        seed.deserialize(fit).map_err(|error| {
            if gone {
                // Without it, what holds it does not fit.
                Error::Unfit(step.fitting().into())
            } else {
                self.pass.locate(&node, error)
            }
        })
    }
}

type Read<'de, S> = Result<<S as DeserializeSeed<'de>>::Value, Error>;

macro_rules! whole_numbers {
    ($($method:ident $type:ident)+) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                let expected = concat!("a whole number that fits ", stringify!($type));
                self.whole::<$type, V>(expected, visitor)
            }
        )+
    };
}

impl<'de> Deserializer<'de> for Fit<'_, 'de> {
    type Error = Error;

    whole_numbers! {
        deserialize_i8 i8
        deserialize_i16 i16
        deserialize_i32 i32
        deserialize_i64 i64
        deserialize_i128 i128
        deserialize_u8 u8
        deserialize_u16 u16
        deserialize_u32 u32
        deserialize_u64 u64
        deserialize_u128 u128
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Array(items) => self.items(items, Items::Any, visitor),
            Value::Object(members) => self.members(members, visitor),
            leaf => Ok(leaf.deserialize_any(visitor)?),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Bool(answer) => visitor.visit_bool(*answer),
            _ => self.mismatch("a boolean", || visitor.visit_bool(false)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.double(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.double(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Number(number) => visitor.visit_string(number.to_string()),
            _ => self.mismatch("a string", || visitor.visit_str("")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => self.items(items, Items::Any, visitor),
            _ => self.mismatch("bytes", || visitor.visit_bytes(&[])),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            _ => self.mismatch("null", || visitor.visit_unit()),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            NumberOrString::NAME => match self.value {
                Value::Number(_) | Value::String(_) => visitor.visit_newtype_struct(self),
                _ => self.mismatch("a number or a string", || {
                    visitor.visit_newtype_struct("".into_deserializer())
                }),
            },
            When::NAME => match When::mended(self.value) {
                Some((when, unfit)) => {
                    self.pass.put_aside(self.node, unfit);
                    visitor.visit_newtype_struct(Mended(when))
                }
                None => visitor.visit_newtype_struct(self),
            },
            // serde_json has types that only it reads.
            name if name.starts_with("$serde_json::") => {
                Ok(self.value.deserialize_newtype_struct(name, visitor)?)
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Array(items) => self.items(items, Items::Any, visitor),
            Value::Null => self.empty("a list", || visitor.visit_seq(Nothing)),
            _ if self.single => self.mismatch("a list", || visitor.visit_seq(Nothing)),
            item => self.items(std::slice::from_ref(item), Items::Single, visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Array(items) => self.items(items, Items::Fixed, visitor),
            _ => Err(Error::Unfit("a list".into())),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Object(members) => self.members(members, visitor),
            _ => self.empty("an object", || visitor.visit_map(Nothing)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.value {
            Value::Array(items) => self.items(items, Items::Fixed, visitor),
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.value {
            Value::String(variant) => {
                visitor.visit_enum(BorrowedStrDeserializer::<Error>::new(variant))
            }
            // A path inside a variant is not known.
            value => Ok(value.deserialize_enum(name, variants, visitor)?),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

/// The members of an object.
struct Members<'p, 'de> {
    of: Fit<'p, 'de>,
    rest: serde_json::map::Iter<'de>,
    supplied: &'de [Supplied],
    /// Its name was read.
    pending: Option<(Step<'de>, &'de Value, bool)>,
}

impl<'de> Members<'_, 'de> {
    fn next(&mut self) -> Option<(&'de str, &'de Value, bool)> {
        let pass = self.of.pass;
        for (name, value) in self.rest.by_ref() {
            match pass.gone(value) {
                None => return Some((name, value, false)),
                Some(Gone::AsNull) => return Some((name, value, true)),
                Some(Gone::LeftOut) => {}
            }
        }
        while let Some(((name, value), rest)) = self.supplied.split_first() {
            self.supplied = rest;
            let own = self.of.value.get(name);
            if own.is_none_or(|own| pass.gone(own).is_some()) && pass.gone(value).is_none() {
                return Some((name, value, false));
            }
        }
        None
    }
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K>(&mut self, seed: K) -> Result<Option<K::Value>, Error>
    where
        K: DeserializeSeed<'de>,
    {
        let Some((name, value, gone)) = self.next() else {
            return Ok(None);
        };
        let step = Step::Member(name);
        let key = seed
            .deserialize(Key(name))
            .map_err(|error| self.of.pass.locate(&self.of.child(step, value), error))?;
        self.pending = Some((step, value, gone));
        Ok(Some(key))
    }

    fn next_value_seed<S>(&mut self, seed: S) -> Result<S::Value, Error>
    where
        S: DeserializeSeed<'de>,
    {
        let Some((step, value, gone)) = self.pending.take() else {
            return Err(Error::Unfit(super::error::OTHER.into()));
        };
        self.of.read(step, value, gone, seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// What the items of a list are.
#[derive(Clone, Copy, PartialEq)]
enum Items {
    /// Any number of the same type: what was taken out is left out.
    Any,
    /// Each has its place: what was taken out is `null`.
    Fixed,
    /// No list, but the only item of one.
    Single,
}

/// The items of a list.
struct Sequence<'p, 'de> {
    of: Fit<'p, 'de>,
    items: std::iter::Enumerate<std::slice::Iter<'de, Value>>,
    kind: Items,
}

impl<'de> Sequence<'_, 'de> {
    fn next(&mut self) -> Option<(usize, &'de Value, bool)> {
        let (pass, kind) = (self.of.pass, self.kind);
        self.items.by_ref().find_map(|(index, value)| {
            let gone = kind != Items::Single && pass.gone(value).is_some();
            (!gone || kind == Items::Fixed).then_some((index, value, gone))
        })
    }
}

impl<'de> SeqAccess<'de> for Sequence<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S>(&mut self, seed: S) -> Result<Option<S::Value>, Error>
    where
        S: DeserializeSeed<'de>,
    {
        let Some((index, value, gone)) = self.next() else {
            return Ok(None);
        };
        if self.kind == Items::Single {
            let single = Fit {
                single: true,
                ..self.of
            };
            return seed.deserialize(single).map(Some);
        }
        self.of.read(Step::Item(index), value, gone, seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// An empty object or list.
struct Nothing;

impl<'de> MapAccess<'de> for Nothing {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, Error> {
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, _: S) -> Result<S::Value, Error> {
        Err(Error::Unfit(super::error::OTHER.into()))
    }
}

impl<'de> SeqAccess<'de> for Nothing {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        _: S,
    ) -> Result<Option<S::Value>, Error> {
        Ok(None)
    }
}

/// The name of a member, which may be a number to its type.
struct Key<'de>(&'de str);

macro_rules! keys {
    ($($method:ident $visit:ident $type:ident)+) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                match self.0.parse::<$type>() {
                    // In one spelling only: another name of one meaning would replace it.
                    Ok(key) if key.to_string() == self.0 => visitor.$visit(key),
                    _ => visitor.visit_borrowed_str(self.0),
                }
            }
        )+
    };
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Error;

    keys! {
        deserialize_bool visit_bool bool
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
        deserialize_i128 visit_i128 i128
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
        deserialize_u128 visit_u128 u128
        deserialize_f32 visit_f32 f32
        deserialize_f64 visit_f64 f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(BorrowedStrDeserializer::<Error>::new(self.0))
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// A value that was mended for its type.
struct Mended(Value);

impl<'de> Deserializer<'de> for Mended {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        Ok(self.0.deserialize_any(visitor)?)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}
