//! Walking a model: what its parts are, and under which path each is found.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::marker::PhantomData;
use std::ops::{Range, RangeInclusive};

use chainrule_autodiff::Var;
use chainrule_tensor::{DType, Rng, Shape, Window};

use crate::module::Module;
use crate::part::{Buffer, Mode};

/// A part of a model that is not made of others, for reading.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// Numbers to be learned; a constant while frozen.
    Parameter(&'a Var),
    /// Numbers that are kept, but not learned.
    Buffer(&'a Buffer),
    /// Training or inference.
    Mode(&'a Mode),
}

/// A part of a model that is not made of others, for changing.
#[derive(Debug)]
pub enum PartMut<'a> {
    /// Numbers to be learned; a constant while frozen.
    Parameter(&'a mut Var),
    /// Numbers that are kept, but not learned.
    Buffer(&'a mut Buffer),
    /// Training or inference.
    Mode(&'a mut Mode),
}

/// Reads a model part by part, and knows the path of where it is: names of fields and positions, joined by dots.
///
/// A module written by hand passes each of its fields to [`field`](Visitor::field); `#[derive(Module)]` writes just that.
pub struct Visitor<'a, 'f> {
    path: String,
    see: &'f mut dyn FnMut(&str, Part<'a>),
}

/// As [`Visitor`], and may change what it sees.
pub struct VisitorMut<'f> {
    path: String,
    see: &'f mut dyn FnMut(&str, PartMut<'_>),
}

/// Appends a name to a path; returns the length to which it is cut back afterwards.
fn enter(path: &mut String, name: std::fmt::Arguments<'_>) -> usize {
    let before = path.len();
    let dot = if before > 0 { "." } else { "" };
    write!(path, "{dot}{name}").expect("a String takes any text");
    before
}

impl<'a, 'f> Visitor<'a, 'f> {
    /// A visitor at the root of a model that calls `see` with every part and its path.
    pub fn new(see: &'f mut dyn FnMut(&str, Part<'a>)) -> Self {
        Visitor { path: String::new(), see }
    }

    /// Walks through a part of the current module under its name.
    pub fn field<M: Module + ?Sized>(&mut self, name: &str, part: &'a M) {
        self.at(format_args!("{name}"), part);
    }

    fn at<M: Module + ?Sized>(&mut self, name: std::fmt::Arguments<'_>, part: &'a M) {
        let before = enter(&mut self.path, name);
        part.visit(self);
        self.path.truncate(before);
    }

    fn see(&mut self, part: Part<'a>) {
        (self.see)(&self.path, part);
    }
}

impl<'f> VisitorMut<'f> {
    /// A visitor at the root of a model that calls `see` with every part and its path.
    pub fn new(see: &'f mut dyn FnMut(&str, PartMut<'_>)) -> Self {
        VisitorMut { path: String::new(), see }
    }

    /// Walks through a part of the current module under its name.
    pub fn field<M: Module + ?Sized>(&mut self, name: &str, part: &mut M) {
        self.at(format_args!("{name}"), part);
    }

    fn at<M: Module + ?Sized>(&mut self, name: std::fmt::Arguments<'_>, part: &mut M) {
        let before = enter(&mut self.path, name);
        part.visit_mut(self);
        self.path.truncate(before);
    }

    fn see(&mut self, part: PartMut<'_>) {
        (self.see)(&self.path, part);
    }
}

macro_rules! parts {
    ($($ty:ty => $part:ident;)*) => {$(
        impl Module for $ty {
            fn visit<'a>(&'a self, visitor: &mut Visitor<'a, '_>) {
                visitor.see(Part::$part(self));
            }
            fn visit_mut(&mut self, visitor: &mut VisitorMut<'_>) {
                visitor.see(PartMut::$part(self));
            }
        }
    )*};
}
parts! {
    Var => Parameter;
    Buffer => Buffer;
    Mode => Mode;
}

macro_rules! settings {
    ($([$($generics:tt)*] $ty:ty;)*) => {$(
        /// A setting: no part of what is learned.
        impl<$($generics)*> Module for $ty {
            fn visit<'a>(&'a self, _: &mut Visitor<'a, '_>) {}
            fn visit_mut(&mut self, _: &mut VisitorMut<'_>) {}
        }
    )*};
}
settings! {
    [] bool; [] char; [] String; [] &'static str; [] ();
    [] u8; [] u16; [] u32; [] u64; [] usize;
    [] i8; [] i16; [] i32; [] i64; [] isize;
    [] f32; [] f64;
    [T] Range<T>; [T] RangeInclusive<T>;
    [T: ?Sized] PhantomData<T>;
    [] DType; [] Shape; [] Window; [] Rng;
    [] fn(&Var) -> Var; [] fn(&Var, &Var) -> Var;
}

/// Transparent: the part inside keeps its path.
impl<M: Module + ?Sized> Module for Box<M> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, '_>) {
        (**self).visit(visitor);
    }
    fn visit_mut(&mut self, visitor: &mut VisitorMut<'_>) {
        (**self).visit_mut(visitor);
    }
}

/// Transparent: the part inside keeps its path.
impl<M: Module> Module for Option<M> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, '_>) {
        if let Some(part) = self {
            part.visit(visitor);
        }
    }
    fn visit_mut(&mut self, visitor: &mut VisitorMut<'_>) {
        if let Some(part) = self {
            part.visit_mut(visitor);
        }
    }
}

/// The parts by position.
impl<M: Module> Module for [M] {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, '_>) {
        for (i, part) in self.iter().enumerate() {
            visitor.at(format_args!("{i}"), part);
        }
    }
    fn visit_mut(&mut self, visitor: &mut VisitorMut<'_>) {
        for (i, part) in self.iter_mut().enumerate() {
            visitor.at(format_args!("{i}"), part);
        }
    }
}

/// The parts by position.
impl<M: Module> Module for Vec<M> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, '_>) {
        self[..].visit(visitor);
    }
    fn visit_mut(&mut self, visitor: &mut VisitorMut<'_>) {
        self[..].visit_mut(visitor);
    }
}

/// The parts by position.
impl<M: Module, const N: usize> Module for [M; N] {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, '_>) {
        self[..].visit(visitor);
    }
    fn visit_mut(&mut self, visitor: &mut VisitorMut<'_>) {
        self[..].visit_mut(visitor);
    }
}

/// The parts by key, in the order of the keys.
impl<M: Module> Module for BTreeMap<String, M> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, '_>) {
        for (name, part) in self {
            visitor.field(name, part);
        }
    }
    fn visit_mut(&mut self, visitor: &mut VisitorMut<'_>) {
        for (name, part) in self {
            visitor.field(name, part);
        }
    }
}

macro_rules! tuples {
    ($($($part:ident $number:tt),+;)*) => {$(
        /// The parts by position.
        impl<$($part: Module),+> Module for ($($part,)+) {
            fn visit<'a>(&'a self, visitor: &mut Visitor<'a, '_>) {
                $(visitor.at(format_args!("{}", $number), &self.$number);)+
            }
            fn visit_mut(&mut self, visitor: &mut VisitorMut<'_>) {
                $(visitor.at(format_args!("{}", $number), &mut self.$number);)+
            }
        }
    )*};
}
tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}
