//! Layers in a row, known at run time.

use std::any::Any;
use std::fmt;

use chainrule_autodiff::Var;

use crate::Module;
use crate::layer::Layer;
use crate::layers::*;
use crate::visit::{Visitor, VisitorMut};

/// Layers of any type, one after the other; their paths are their positions.
///
/// Where the types are known, a tuple of layers does the same.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{sequential, Layer, Linear, Module, Relu, Sequential};
/// use chainrule_tensor::{DType, Rng, Tensor};
///
/// let mut rng = Rng::seed(0);
/// let model = sequential![Linear::new(784, 32, &mut rng), Relu, Linear::new(32, 10, &mut rng)];
/// assert_eq!(model.parameters()[2].0, "2.weight");
///
/// let mut deep = Sequential::new();
/// for _ in 0..3 {
///     deep = deep.add(Linear::new(8, 8, &mut rng)).add(Relu);
/// }
/// let y = deep.forward(&Var::constant(Tensor::ones([1, 8], DType::F32)));
/// assert_eq!((deep.len(), y.shape()), (6, &[1, 8][..]));
/// ```
#[derive(Clone, Default)]
pub struct Sequential {
    layers: Vec<Box<dyn AnyLayer>>,
}

/// Makes a [`Sequential`] of layers: `sequential![Linear::new(784, 10, &mut rng), Relu]`.
#[macro_export]
macro_rules! sequential {
    ($($layer:expr),* $(,)?) => {
        $crate::Sequential::new()$(.add($layer))*
    };
}

/// A layer whose type is forgotten and that can still be cloned and asked for its type.
trait AnyLayer: Layer + Send + Sync {
    fn boxed(&self) -> Box<dyn AnyLayer>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<L: Layer + Clone + Send + Sync + 'static> AnyLayer for L {
    fn boxed(&self) -> Box<dyn AnyLayer> {
        Box::new(self.clone())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl Clone for Box<dyn AnyLayer> {
    fn clone(&self) -> Self {
        (**self).boxed()
    }
}

impl Sequential {
    /// No layers: the output is the input.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// Another layer at the end.
    #[allow(clippy::should_implement_trait)]
    pub fn add(mut self, layer: impl Layer + Clone + Send + Sync + 'static) -> Sequential {
        self.layers.push(Box::new(layer));
        self
    }

    /// How many layers there are.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are no layers.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The layer at a position, if it is there and of this type.
    ///
    /// ```
    /// use chainrule_nn::{sequential, Linear, Relu};
    /// let model = sequential![Linear::new(4, 2, &mut chainrule_tensor::Rng::seed(0)), Relu];
    /// assert_eq!(model.get::<Linear>(0).unwrap().weight.shape(), [2, 4]);
    /// assert!(model.get::<Linear>(1).is_none());
    /// ```
    pub fn get<L: Layer + 'static>(&self, position: usize) -> Option<&L> {
        (**self.layers.get(position)?).as_any().downcast_ref()
    }

    /// As [`get`](Sequential::get), for changing.
    pub fn get_mut<L: Layer + 'static>(&mut self, position: usize) -> Option<&mut L> {
        (**self.layers.get_mut(position)?).as_any_mut().downcast_mut()
    }
}

impl Module for Sequential {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, '_>) {
        for (i, layer) in self.layers.iter().enumerate() {
            visitor.field(&i.to_string(), &**layer);
        }
    }
    fn visit_mut(&mut self, visitor: &mut VisitorMut<'_>) {
        for (i, layer) in self.layers.iter_mut().enumerate() {
            visitor.field(&i.to_string(), &mut **layer);
        }
    }
}

/// Calls a layer by its own type where that is listed. A call by way of a trait object cannot pass on the caller's line, which tapes and
/// messages of this crate's layers show. Other layers' steps show lines of their own.
macro_rules! call {
    ($layer:expr, $x:expr; $($known:ty),* $(,)?) => {{
        let layer: &dyn AnyLayer = $layer;
        $(if let Some(layer) = layer.as_any().downcast_ref::<$known>() {
            layer.forward($x)
        } else)* {
            layer.forward($x)
        }
    }};
}

impl Layer for Sequential {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        let mut x = x.clone();
        for layer in &self.layers {
            x = call!(
                &**layer, &x;
                Linear, Conv1d, Conv2d, Conv3d, MaxPool1d, MaxPool2d, MaxPool3d, AvgPool1d, AvgPool2d, AvgPool3d, BatchNorm,
                LayerNorm, Dropout, Embedding, Flatten, Relu, Tanh, Sigmoid, Gelu, Silu, Softplus, LeakyRelu, Elu, Softmax,
                LogSoftmax, Sequential,
            );
        }
        x
    }
}

impl fmt::Debug for Sequential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sequential of {} layers\n{}", self.len(), self.summary())
    }
}
