//! Indexing with tensors, by NumPy's rules.

use chainrule_tensor::{DType, Shape, Tensor, broadcast_shapes};

use crate::declare::{Declaration, Draw, Sample};
use crate::var::Var;

/// Indices brought to a common form: positions on one axis into which the indexed ones were joined.
struct Positions {
    /// The axes in an order in which those indexed follow each other, if they do not as they are.
    order: Option<Vec<isize>>,
    /// The first indexed axis in that order, and how many there are.
    first: usize,
    count: usize,
    /// Positions on the joined axis.
    index: Tensor,
}

impl Positions {
    #[track_caller]
    fn of(x: &Var, indices: &[Option<Tensor>]) -> Option<Positions> {
        let shape = x.to_shape();
        let mut named: Vec<(usize, Tensor)> = Vec::new();
        let mut axis = 0;
        for index in indices {
            match index {
                None => axis += 1,
                Some(mask) if mask.dtype() == DType::Bool => {
                    let over = shape.get(axis..axis + mask.rank());
                    assert!(
                        over == Some(mask.shape()) && mask.rank() > 0,
                        "index: a mask of shape {} for the axes from {axis} on of {shape}",
                        mask.to_shape()
                    );
                    named.extend((axis..).zip(mask.nonzero_axes()));
                    axis += mask.rank();
                }
                Some(index) => {
                    named.push((axis, index.clone()));
                    axis += 1;
                }
            }
        }
        assert!(axis <= shape.len(), "index: {axis} axes are indexed, the shape {shape} has {}", shape.len());
        let ((first, _), (last, _)) = (named.first()?, named.last()?);
        let (first, count) = (*first, named.len());
        let adjacent = last - first + 1 == count;
        let order = (!adjacent).then(|| {
            let indexed = named.iter().map(|(axis, _)| *axis);
            let others = (0..shape.len()).filter(|axis| named.iter().all(|(named, _)| named != axis));
            indexed.chain(others).map(|axis| axis as isize).collect()
        });
        let mut common = Shape::default();
        for (_, index) in &named {
            common = match broadcast_shapes(&common, index.shape()) {
                Some(common) => common,
                None => panic!("index: indices of shapes {} and {common} do not broadcast", index.to_shape()),
            };
        }
        let mut joined = Tensor::zeros(&common, DType::I64);
        for (axis, index) in &named {
            let n = shape[*axis];
            let counted = Tensor::arange(0.0, n as f64, 1.0, DType::I64).index_select(0, index); // negative ones counted
            joined = joined * n as f64 + counted.broadcast_to(&common);
        }
        Some(Positions { order, first: if adjacent { first } else { 0 }, count, index: joined })
    }
}

impl Var {
    /// Elements picked by tensors, one for each of the first axes, by NumPy's rules; `None` keeps an axis whole.
    ///
    /// Tensors of `i64` hold positions (negative ones count from the end), are broadcast to each other, and their shape replaces the
    /// axes they index: in place if those follow each other, else in front. A `bool` tensor stands for as many axes as it has, and
    /// picks where it holds, so that the result's shape depends on its values.
    ///
    /// # Panics
    /// When there are more indices than axes, a position does not exist, or shapes do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2., 3.], [4., 5., 6.]]);
    /// let corners = x.index(&[Some(tensor![[0], [1]]), Some(tensor![0, 2])]);
    /// assert_eq!(corners.value().to_vec::<f32>(), [1., 3., 4., 6.]);
    /// let columns = x.index(&[None, Some(tensor![true, false, true])]);
    /// assert_eq!(columns.value().to_vec::<f32>(), [1., 3., 4., 6.]);
    /// ```
    #[track_caller]
    pub fn index(&self, indices: &[Option<Tensor>]) -> Var {
        let Some(at) = Positions::of(self, indices) else { return self.clone() };
        let x = match &at.order {
            Some(order) => self.permute(order),
            None => self.clone(),
        };
        let shape = x.shape();
        let (before, after) = (&shape[..at.first], &shape[at.first + at.count..]);
        let joined = shape[at.first..][..at.count].iter().product();
        let x = x.reshape(before.iter().chain(&[joined]).chain(after).copied().collect::<Shape>());
        x.index_select(at.first as isize, &at.index)
    }
}

/// Indices for some axes of a shape: rows of positions, a mask, and axes left whole.
pub(super) fn indices(d: &mut Draw, shape: &[usize]) -> Vec<Option<Tensor>> {
    let (count, masked) = (d.positive_size(), d.below(4) == 3);
    if masked {
        return vec![Some(d.mask(&shape[..d_rank(shape)]))];
    }
    shape.iter().map(|&n| if d.flag() { None } else { Some(d.indices(&[count], n)) }).collect()
}

fn d_rank(shape: &[usize]) -> usize {
    shape.len().min(2)
}

/// Indices as source.
pub(super) fn written(indices: &[Option<Tensor>]) -> String {
    let index = |index: &Option<Tensor>| match index {
        None => "None".to_string(),
        Some(mask) if mask.dtype() == DType::Bool => {
            format!("Some(Tensor::from_vec(vec!{:?}, {:?}))", mask.to_vec::<bool>(), mask.shape())
        }
        Some(index) => format!("Some(tensor!{:?})", index.to_vec::<i64>()),
    };
    indices.iter().map(index).collect::<Vec<_>>().join(", ")
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[Declaration::linear(
    "index",
    "Tensor.__getitem__",
    "elements picked by tensors",
    "g added where it was picked",
    |d| {
        let shape = d.positive_shape();
        let indices = indices(d, &shape);
        let source = format!("x[0].index(&[{}])", written(&indices));
        Sample::new([d.reals(&shape)], source, move |x| x[0].index(&indices))
    },
)];
