//! A tensor with a history.

use std::panic::Location;
use std::sync::Arc;

use chainrule_tensor::{DType, Shape, Tensor};

use crate::op::{Leaf, SharedRule};
use crate::report::Cut;
use crate::tape::{Node, Tape};

/// A tensor that remembers how it was computed, if anything it was computed from wants a gradient.
///
/// Cloning is cheap: numbers and history are shared. Ops make new variables; none changes its operands.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_tensor::tensor;
/// let w = Var::leaf(tensor![2., 3.]);
/// let x = Var::constant(tensor![10., 100.]);
/// let y = (&w * &x).sum();
/// assert_eq!(y.item(), 320.0);
/// assert_eq!(y.backward()[&w].to_vec::<f32>(), [10., 100.]);
/// ```
#[derive(Clone)]
pub struct Var {
    pub(crate) value: Tensor,
    pub(crate) history: History,
}

/// Where a value came from.
#[derive(Clone)]
pub(crate) enum History {
    /// From nothing that wants a gradient.
    Constant,
    /// From something that wants one, through cuts that keep it from getting there.
    Cut(Arc<Vec<Arc<Cut>>>),
    /// From this entry of a tape.
    Tracked(Arc<Node>),
}

impl Var {
    /// A variable that wants a gradient: a parameter, or an input to be studied.
    ///
    /// # Panics
    /// When the elements are integers or truth values, through which no derivative flows.
    #[track_caller]
    pub fn leaf(value: impl Into<Tensor>) -> Var {
        let value = value.into();
        assert!(
            value.dtype().is_float(),
            "leaf: no derivative flows through {} elements; convert them with .cast(DType::F32)",
            value.dtype()
        );
        let node = Node::new(SharedRule::new(Leaf), Default::default(), value.ghost(), Location::caller());
        Var { value, history: History::Tracked(Arc::new(node)) }
    }

    /// A value that wants no gradient: data. Ops of constants record nothing.
    pub fn constant(value: impl Into<Tensor>) -> Var {
        Var { value: value.into(), history: History::Constant }
    }

    /// This variable with a name, which tapes, reports and errors show.
    ///
    /// # Panics
    /// When the variable is a constant or already in use; name it where it is made.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let w = Var::leaf(tensor![1.]).named("weight");
    /// assert_eq!(w.name(), Some("weight"));
    /// ```
    #[track_caller]
    pub fn named(mut self, name: &str) -> Var {
        let node = match &mut self.history {
            History::Tracked(node) => Arc::get_mut(node),
            _ => panic!("named: a constant has no entry on any tape that could carry the name {name:?}"),
        };
        let Some(node) = node else {
            panic!("named: the variable is already in use; name it {name:?} where it is made")
        };
        node.label = Some(name.into());
        self
    }

    /// Gives a leaf or a constant new numbers, in place where nobody else shares them: what an optimiser does to a parameter.
    ///
    /// A leaf becomes a new leaf of the same name, made at the same line. Histories and gradients that were made before belong to
    /// the old one, so that none of them can be mistaken for a gradient at the new numbers.
    ///
    /// # Panics
    /// When the variable was computed from leaves, or a leaf is given integers or truth values.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let mut w = Var::leaf(tensor![1., 2.]).named("weight");
    /// let gradients = w.square().sum().backward();
    /// let g = gradients[&w].clone();
    /// w.update(|w| *w = &*w - g * 0.5);
    /// assert_eq!((w.value().to_vec::<f32>(), w.name()), (vec![0., 0.], Some("weight")));
    /// assert!(gradients.get(&w).is_none());
    /// ```
    #[track_caller]
    pub fn update(&mut self, change: impl FnOnce(&mut Tensor)) {
        match &mut self.history {
            History::Tracked(node) if node.is_leaf() => {
                change(&mut self.value);
                let dtype = self.value.dtype();
                assert!(
                    dtype.is_float(),
                    "update: no derivative flows through {dtype} elements; a leaf cannot hold them"
                );
                Node::renew(node, self.value.ghost());
            }
            History::Tracked(_) => {
                panic!("update: {} was computed; only leaves and constants take new numbers", self.describe())
            }
            history => {
                change(&mut self.value);
                *history = History::Constant;
            }
        }
    }

    /// The name given by [`named`](Var::named).
    pub fn name(&self) -> Option<&str> {
        self.node().and_then(|node| node.label())
    }

    /// The numbers.
    #[inline]
    pub fn value(&self) -> &Tensor {
        &self.value
    }

    /// The one number of a variable that has exactly one element.
    ///
    /// # Panics
    /// When it has more or fewer.
    #[track_caller]
    pub fn item(&self) -> f64 {
        self.value.item()
    }

    /// The length of each axis, outermost first.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        self.value.shape()
    }

    /// The shape as an owned value.
    #[inline]
    pub fn to_shape(&self) -> Shape {
        self.value.to_shape()
    }

    /// The length of one axis; negative axes count from the end.
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn size(&self, axis: isize) -> usize {
        self.value.size(axis)
    }

    /// The number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.value.rank()
    }

    /// The number of elements.
    #[allow(clippy::len_without_is_empty)]
    #[inline]
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// The type of the elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.value.dtype()
    }

    /// Whether a gradient can flow into this variable.
    #[inline]
    pub fn is_tracked(&self) -> bool {
        matches!(self.history, History::Tracked(_))
    }

    /// The same numbers without the history: the only way to cut a gradient. Reports name the place.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(2.0);
    /// let y = &x * &x.detach(); // the second factor counts as a number
    /// assert_eq!(y.backward()[&x].item(), 2.0);
    /// ```
    #[track_caller]
    pub fn detach(&self) -> Var {
        let history = match &self.history {
            History::Tracked(_) => History::Cut(Arc::new(vec![Arc::new(Cut::here(self, Location::caller()))])),
            other => other.clone(),
        };
        Var { value: self.value.clone(), history }
    }

    /// The history in a line, oldest entry first: to print, to walk, to step through. Empty for a constant.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(3.0).named("x");
    /// let y = x.square() + 1.0;
    /// let ops: Vec<_> = y.tape().iter().map(|entry| entry.op().to_string()).collect();
    /// assert_eq!(ops, ["leaf", "square", "add"]);
    /// println!("{}", y.tape());
    /// ```
    pub fn tape(&self) -> Tape {
        Tape::of(self)
    }

    /// The number that orders this variable's entry among all; `None` for a constant.
    pub fn id(&self) -> Option<u64> {
        self.node().map(|node| node.id())
    }

    #[inline]
    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        match &self.history {
            History::Tracked(node) => Some(node),
            _ => None,
        }
    }

    /// The same history with the numbers left out.
    #[inline]
    pub(crate) fn ghost(&self) -> Var {
        Var { value: self.value.ghost(), history: self.history.clone() }
    }

    /// What messages call this variable: its name, or what and where it is.
    pub(crate) fn describe(&self) -> String {
        match self.node() {
            None => format!("a constant of shape {}", self.to_shape()),
            Some(node) => match node.label() {
                Some(name) => format!("{name:?} ({} {}, made at {})", self.dtype(), self.to_shape(), node.at()),
                None => format!("the {} of shape {} made at {}", node.op(), self.to_shape(), node.at()),
            },
        }
    }
}

impl std::fmt::Debug for Var {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.node() {
            None => write!(f, "constant {}", self.value),
            Some(node) => {
                write!(f, "{} {} by {} at {}", node.label().unwrap_or("var"), self.value, node.op(), node.at())
            }
        }
    }
}

impl std::fmt::Display for Var {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.value.fmt(f)
    }
}

impl From<&Var> for Var {
    fn from(var: &Var) -> Var {
        var.clone()
    }
}
