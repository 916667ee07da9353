//! A model is a plain struct; [`Module`] finds its parts.

use std::path::Path;

use chainrule_autodiff::Var;
use chainrule_tensor::io::Tensors;
use chainrule_tensor::{DType, Tensor};

use crate::part::{Buffer, Mode};
use crate::state::{self, StateError};
use crate::summary::Summary;
use crate::visit::{Part, PartMut, Visitor, VisitorMut};
use crate::walk::{self, matches};

/// A model, or a part of one: anything whose parameters can be found by path.
///
/// A model is a struct of layers, [`Var`]s and settings. `#[derive(Module)]` walks through its fields in order. A parameter's path is made of the
/// names of fields and, in vectors, arrays and tuples, positions: `encoder.blocks.0.weight`. `Option` and `Box` add nothing to it. Numbers,
/// strings and the like are settings, which have no part in learning. A field of any other type is a compile error until it is
/// marked `#[module(skip)]`.
///
/// Cloning a model is cheap, and the clone shares the parameters: they are the same leaves until one of the two is
/// updated. Where one leaf occurs in two places of one model, it is *tied*: it is learned, counted and saved once, under the
/// first of its paths, and changes in all places together.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Layer, Linear, Module};
/// use chainrule_tensor::{DType, Rng, Tensor};
///
/// #[derive(Clone, Module)]
/// # #[module(crate = chainrule_nn)]
/// struct Perceptron {
///     hidden: Linear,
///     output: Linear,
///     slope: f64,
/// }
///
/// impl Perceptron {
///     fn forward(&self, x: &Var) -> Var {
///         self.output.forward(&self.hidden.forward(x).leaky_relu(self.slope))
///     }
/// }
///
/// let mut rng = Rng::seed(0);
/// let model = Perceptron { hidden: Linear::new(3, 8, &mut rng), output: Linear::new(8, 2, &mut rng), slope: 0.1 };
/// let paths: Vec<String> = model.parameters().into_iter().map(|(path, _)| path).collect();
/// assert_eq!(paths, ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]);
///
/// let x = Var::constant(Tensor::ones([1, 3], DType::F32));
/// assert!(model.forward(&x).is_tracked());
/// assert!(!model.frozen().forward(&x).is_tracked());
/// ```
///
/// What is no module does not compile, until it is said to be none:
///
/// ```compile_fail,E0277
/// # use chainrule_nn::{Linear, Module};
/// #[derive(Module)]
/// # #[module(crate = chainrule_nn)]
/// struct Reader { layer: Linear, file: std::fs::File }
/// ```
/// ```
/// # use chainrule_nn::{Linear, Module};
/// #[derive(Module)]
/// # #[module(crate = chainrule_nn)]
/// struct Reader { layer: Linear, #[module(skip)] file: Option<std::fs::File> }
/// ```
///
/// Nor does a misspelt option:
///
/// ```compile_fail
/// # use chainrule_nn::{Linear, Module};
/// #[derive(Module)]
/// # #[module(crate = chainrule_nn)]
/// struct Reader { layer: Linear, #[module(skipped)] file: Option<std::fs::File> }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `Module`",
    label = "neither a layer, a parameter nor a setting",
    note = "if it is made of layers or parameters: `#[derive(Module)]` on it",
    note = "if it holds numbers to be kept with the model: make it a `Buffer`",
    note = "if it has no part in learning: mark the field with `#[module(skip)]`"
)]
pub trait Module {
    /// Shows every part to the visitor, always in the same order.
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, '_>);

    /// Lets the visitor change every part, in the order of [`visit`](Module::visit).
    fn visit_mut(&mut self, visitor: &mut VisitorMut<'_>);

    /// All parameters with their paths, frozen ones included; a tied one once.
    fn parameters(&self) -> Vec<(String, &Var)> {
        let mut seen = walk::Seen::default();
        let mut found = Vec::new();
        self.visit(&mut Visitor::new(&mut |path, part| {
            if let Part::Parameter(var) = part
                && seen.first(path, var).is_none()
            {
                found.push((path.to_string(), var));
            }
        }));
        found
    }

    /// All buffers with their paths: numbers that belong to the model and are not learned, such as running statistics.
    fn buffers(&self) -> Vec<(String, &Buffer)> {
        let mut found = Vec::new();
        self.visit(&mut Visitor::new(&mut |path, part| {
            if let Part::Buffer(buffer) = part {
                found.push((path.to_string(), buffer));
            }
        }));
        found
    }

    /// A table of all parameters and buffers, for printing: path, shape, type, count, and whether it is learned.
    ///
    /// ```
    /// use chainrule_nn::{Linear, Module};
    /// use chainrule_tensor::Rng;
    /// let layer = Linear::new(784, 10, &mut Rng::seed(0));
    /// assert_eq!(layer.summary().trainable(), 7850);
    /// println!("{}", layer.summary());
    /// ```
    fn summary(&self) -> Summary {
        Summary::of(&|visitor| self.visit(visitor))
    }

    /// A copy made of constants, with dropout off and running statistics in use: what is evaluated, and shipped. Nothing it computes
    /// is recorded. The numbers are shared with this model, until either changes.
    fn frozen(&self) -> Self
    where
        Self: Clone + Sized,
    {
        let mut copy = self.clone();
        copy.freeze();
        copy
    }

    /// Makes the model, or the part of one that this is called on, a fixed function: its parameters become constants, which optimisers
    /// pass over, dropout is off, and running statistics are used and stay as they are.
    ///
    /// ```
    /// use chainrule_nn::{Linear, Module};
    /// use chainrule_tensor::Rng;
    /// let mut rng = Rng::seed(0);
    /// let mut model = (Linear::new(4, 8, &mut rng), Linear::new(8, 2, &mut rng));
    /// model.0.freeze();
    /// assert_eq!((model.summary().trainable(), model.summary().frozen()), (18, 40));
    /// ```
    fn freeze(&mut self) {
        self.visit_mut(&mut VisitorMut::new(&mut |_, part| walk::freeze(part)));
    }

    /// The opposite of [`freeze`](Module::freeze): constants become leaves, named by their paths, and modes those of training.
    #[track_caller]
    fn thaw(&mut self) {
        let mut thaw = walk::Thaw::here();
        self.visit_mut(&mut VisitorMut::new(&mut |path, part| thaw.part(path, part)));
    }

    /// [`freeze`](Module::freeze) for the parts whose path fits the pattern, in which `*` stands for any text.
    ///
    /// # Panics
    /// When no path fits.
    ///
    /// ```
    /// use chainrule_nn::{Linear, Module};
    /// use chainrule_tensor::Rng;
    /// let mut rng = Rng::seed(0);
    /// let mut model = (Linear::new(4, 8, &mut rng), Linear::new(8, 2, &mut rng));
    /// model.freeze_matching("*.bias");
    /// assert_eq!((model.summary().trainable(), model.summary().frozen()), (48, 10));
    /// ```
    #[track_caller]
    fn freeze_matching(&mut self, pattern: &str) {
        let mut paths = walk::Paths::default();
        self.visit_mut(&mut VisitorMut::new(&mut |path, part| {
            if paths.note(path, matches(pattern, path)) {
                walk::freeze(part);
            }
        }));
        paths.expect_a_match("freeze_matching", pattern);
    }

    /// [`thaw`](Module::thaw) for the parts whose path fits the pattern, in which `*` stands for any text.
    ///
    /// # Panics
    /// When no path fits.
    #[track_caller]
    fn thaw_matching(&mut self, pattern: &str) {
        let (mut paths, mut thaw) = (walk::Paths::default(), walk::Thaw::here());
        self.visit_mut(&mut VisitorMut::new(&mut |path, part| {
            if paths.note(path, matches(pattern, path)) {
                thaw.part(path, part);
            }
        }));
        paths.expect_a_match("thaw_matching", pattern);
    }

    /// Switches every part that cares between training and inference, and leaves parameters alone. Models start in training.
    fn set_mode(&mut self, mode: Mode) {
        self.visit_mut(&mut VisitorMut::new(&mut |_, part| {
            if let PartMut::Mode(found) = part {
                *found = mode;
            }
        }));
    }

    /// A copy whose parameters and buffers have another type: `f64` to check gradients, say. Integer and `bool` buffers stay.
    ///
    /// # Panics
    /// When the type is no floating-point type.
    ///
    /// ```
    /// use chainrule_nn::{Linear, Module};
    /// use chainrule_tensor::{DType, Rng};
    /// let layer = Linear::new(4, 2, &mut Rng::seed(0)).to_dtype(DType::F64);
    /// assert_eq!(layer.weight.dtype(), DType::F64);
    /// ```
    #[track_caller]
    fn to_dtype(&self, dtype: DType) -> Self
    where
        Self: Clone + Sized,
    {
        assert!(dtype.is_float(), "to_dtype: a model of {dtype} cannot learn; choose a floating-point type");
        let mut copy = self.clone();
        walk::update(&mut |visitor| copy.visit_mut(visitor), &mut |_, value: &mut Tensor| {
            if value.dtype().is_float() {
                *value = value.cast(dtype);
            }
        });
        copy
    }

    /// The model with every parameter named by its path, so that tapes and messages say `encoder.0.weight`, not `weight`. The optimisers do
    /// this with their first step.
    ///
    /// ```
    /// use chainrule_nn::{Linear, Module};
    /// use chainrule_tensor::Rng;
    /// let model = [Linear::new(4, 2, &mut Rng::seed(0))].with_names();
    /// assert_eq!(model[0].weight.name(), Some("0.weight"));
    /// ```
    fn with_names(mut self) -> Self
    where
        Self: Sized,
    {
        walk::parameters(&mut |visitor| self.visit_mut(visitor), &mut walk::name);
        self
    }

    /// This model with other parameters, in the order of [`parameters`](Module::parameters): what makes a loss a function of them, as gradient
    /// checks, Jacobians and Hessians want it.
    ///
    /// # Panics
    /// When their number or a shape differs.
    ///
    /// ```
    /// use chainrule_autodiff::Var;
    /// use chainrule_nn::{Layer, Linear, Module};
    /// use chainrule_tensor::{Rng, tensor};
    /// let model = Linear::new(2, 1, &mut Rng::seed(0));
    /// let (weight, bias) = (Var::leaf(tensor![[2., 3.]]), Var::leaf(tensor![1.]));
    /// let y = model.with_parameters(&[weight.clone(), bias]).forward(&Var::constant(tensor![[10., 100.]]));
    /// assert_eq!(y.item(), 321.0);
    /// assert_eq!(y.backward()[&weight].to_vec::<f32>(), [10., 100.]);
    /// ```
    #[track_caller]
    fn with_parameters(&self, parameters: &[Var]) -> Self
    where
        Self: Clone + Sized,
    {
        let (mut copy, mut count) = (self.clone(), 0);
        walk::parameters(&mut |visitor| copy.visit_mut(visitor), &mut |path, var| {
            if let Some(new) = parameters.get(count) {
                let (found, wanted) = (new.to_shape(), var.to_shape());
                assert!(found == wanted, "with_parameters: {path:?} has shape {wanted}, the new one {found}");
                *var = new.clone();
            }
            count += 1;
        });
        let given = parameters.len();
        assert!(given == count, "with_parameters: the model has {count} parameters, {given} were given");
        copy
    }

    /// The numbers of all parameters and buffers by path, as they are saved.
    ///
    /// # Panics
    /// When two different parts have the same path, which a derived module's never have.
    #[track_caller]
    fn state(&self) -> Tensors {
        state::collect(&|visitor| self.visit(visitor))
    }

    /// Replaces the numbers of all parameters and buffers.
    ///
    /// # Errors
    /// When paths are missing or unknown, or a shape or type differs: the error lists all of them, and nothing was changed.
    fn load_state(&mut self, state: &Tensors) -> Result<(), StateError> {
        state::check(&|visitor| self.visit(visitor), state)?;
        walk::update(&mut |visitor| self.visit_mut(visitor), &mut |path, value| {
            if let Some(found) = state.get(path) {
                *value = found.clone();
            }
        });
        Ok(())
    }

    /// Writes all parameters and buffers to a [safetensors](chainrule_tensor::io::safetensors) file, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    ///
    /// ```
    /// use chainrule_nn::{Linear, Module};
    /// use chainrule_tensor::Rng;
    /// # let folder = std::env::temp_dir().join(format!("chainrule-nn-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let path = folder.join("layer.safetensors");
    /// let layer = Linear::new(4, 2, &mut Rng::seed(0));
    /// layer.save(&path)?;
    /// let mut other = Linear::new(4, 2, &mut Rng::seed(1));
    /// other.load(&path)?;
    /// assert!(other.weight.value().equal(layer.weight.value()));
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), chainrule_nn::StateError>(())
    /// ```
    #[track_caller]
    fn save(&self, path: impl AsRef<Path>) -> Result<(), StateError>
    where
        Self: Sized,
    {
        state::save(path.as_ref(), &self.state())
    }

    /// Replaces all parameters and buffers by those of a safetensors file.
    ///
    /// # Errors
    /// When the file cannot be read or does not fit the model: the error lists what is missing, unexpected or of another shape or
    /// type, and nothing was changed.
    fn load(&mut self, path: impl AsRef<Path>) -> Result<(), StateError>
    where
        Self: Sized,
    {
        let path = path.as_ref();
        self.load_state(&state::read(path)?).map_err(|error| error.of_file(path))
    }
}
