//! A history written in a line, oldest entry first.

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chainrule_tensor::{DType, Tensor};
use smallvec::SmallVec;

use crate::op::{Leaf, SharedRule, record};
use crate::var::{History, Var};

/// One entry of a tape: an op that was applied, to what, what it keeps for its rule, and the line of source that asked for it.
pub struct Node {
    id: u64,
    rule: SharedRule,
    inputs: SmallVec<[Var; 2]>,
    /// A constant, as the rule sees it.
    output: Var,
    at: &'static Location<'static>,
    pub(crate) label: Option<Arc<str>>,
}

/// Made later means: depends only on earlier ones. So one counter for all orders every tape.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Node {
    #[inline(always)]
    pub(crate) fn new(
        rule: SharedRule,
        inputs: SmallVec<[Var; 2]>,
        output: Tensor,
        at: &'static Location<'static>,
    ) -> Node {
        let (id, output) = (NEXT.fetch_add(1, Ordering::Relaxed), Var::constant(output));
        Node { id, rule, inputs, output, at, label: None }
    }

    /// Makes a leaf's entry one of a new leaf, with the same name and source line. In place where no history holds it.
    pub(crate) fn renew(entry: &mut Arc<Node>, output: Tensor) {
        let (at, label) = (entry.at, entry.label.clone());
        let mut fresh = Node::new(SharedRule::new(Leaf), Default::default(), output, at);
        fresh.label = label;
        match Arc::get_mut(entry) {
            Some(node) => *node = fresh,
            None => *entry = Arc::new(fresh),
        }
    }

    /// The number that orders this entry among all entries of the process.
    #[inline]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The op's name; `leaf` where a history begins.
    pub fn op(&self) -> &'static str {
        self.rule.name()
    }

    /// The Rust type that implements the op.
    pub fn op_type(&self) -> &'static str {
        self.rule.type_name()
    }

    /// What the op was applied to. Values that the rule does not read are [ghosts](Tensor::ghost).
    #[inline]
    pub fn inputs(&self) -> &[Var] {
        &self.inputs
    }

    /// The result; a [ghost](Tensor::ghost) where the rule does not read it.
    pub fn output(&self) -> &Tensor {
        &self.output.value
    }

    /// The result's shape.
    pub fn shape(&self) -> &[usize] {
        self.output.shape()
    }

    /// The result's element type.
    pub fn dtype(&self) -> DType {
        self.output.dtype()
    }

    /// The line of source that applied the op.
    pub fn at(&self) -> &'static Location<'static> {
        self.at
    }

    /// The name given by [`Var::named`].
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Whether a history begins here.
    #[inline]
    pub fn is_leaf(&self) -> bool {
        self.inputs.is_empty()
    }

    /// The inputs that want a gradient, with their positions.
    pub fn tracked_inputs(&self) -> impl Iterator<Item = (usize, &Var)> {
        self.inputs.iter().enumerate().filter(|(_, input)| input.is_tracked())
    }

    /// The same op with the same fields, applied to something else; the new entry names the old one's source line. For running a history
    /// again, and for checking a rule where it was used.
    ///
    /// # Panics
    /// When the entry is a leaf, the number of inputs differs, or the op does not take them.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let y = Var::leaf(tensor![1., 4.]).sqrt();
    /// let again = y.tape().pop().unwrap().reapply(&[&Var::leaf(tensor![9., 16.])]);
    /// assert_eq!(again.value().to_vec::<f32>(), [3., 4.]);
    /// ```
    #[track_caller]
    pub fn reapply(&self, x: &[&Var]) -> Var {
        let (n, op) = (self.inputs.len(), self.op());
        assert!(n > 0, "reapply: a leaf is not computed");
        assert!(x.len() == n, "reapply: {op} was applied to {n} variables, not {}", x.len());
        let values: SmallVec<[&Tensor; 4]> = x.iter().map(|x| x.value()).collect();
        record(self.rule.clone(), x, self.rule.forward(&values), self.at)
    }

    /// What the rule says: the gradient for input `wrt`, given the gradient `g` of the output. With `recorded`, the result can itself be
    /// differentiated.
    ///
    /// # Panics
    /// When the rule answers with another type, or a shape to which the input does not broadcast.
    pub fn pull_back(self: &Arc<Self>, wrt: usize, g: &Var, recorded: bool) -> Var {
        let gradient = if recorded {
            let y = Var { value: self.output().clone(), history: History::Tracked(self.clone()) };
            self.rule.backward(wrt, g, &self.inputs, &y)
        } else {
            let x: SmallVec<[Var; 2]> = self.inputs.iter().map(|x| Var::constant(x.value())).collect();
            self.rule.backward(wrt, g, &x, &self.output)
        };
        self.fitted(wrt, gradient)
    }

    /// As [`pull_back`](Node::pull_back) of plain numbers to every input that wants a gradient, which goes `to` the input's entry. The inputs
    /// give up their histories instead of being copied without them, so that only the last owner of an entry can do it.
    pub(crate) fn pull_back_last(&mut self, g: &Var, mut to: impl FnMut(Arc<Node>, Var)) {
        let mut histories: SmallVec<[History; 2]> = SmallVec::new();
        self.inputs.iter_mut().for_each(|x| histories.push(std::mem::replace(&mut x.history, History::Constant)));
        for (wrt, history) in histories.into_iter().enumerate() {
            if let History::Tracked(node) = history {
                to(node, self.fitted(wrt, self.rule.backward(wrt, g, &self.inputs, &self.output)));
            }
        }
    }

    /// Moves the entries that made the inputs to those that wait to be let go.
    fn part_from_inputs(&mut self, waiting: &mut SmallVec<[Arc<Node>; 2]>) {
        for input in &mut self.inputs {
            if let History::Tracked(node) = std::mem::replace(&mut input.history, History::Constant) {
                waiting.push(node);
            }
        }
    }

    /// The gradient that a rule answered with, summed over what was repeated of the input.
    fn fitted(&self, wrt: usize, gradient: Var) -> Var {
        let input = &self.inputs[wrt];
        if gradient.shape() == input.shape() && gradient.dtype() == input.dtype() {
            return gradient;
        }
        let fits = chainrule_tensor::broadcast_shapes(input.shape(), gradient.shape());
        if gradient.dtype() != input.dtype() || fits.is_none_or(|shape| shape[..] != *gradient.shape()) {
            panic!(
                "{}: its rule for argument {wrt} answered with {} {}, but the argument is {} {} (op applied at {})",
                self.op(),
                gradient.dtype(),
                gradient.to_shape(),
                input.dtype(),
                input.to_shape(),
                self.at
            );
        }
        gradient.sum_to(input.shape())
    }
}

impl Drop for Node {
    /// Frees the history behind this entry in a loop: recursion would overflow the stack on long ones.
    fn drop(&mut self) {
        let mut waiting: SmallVec<[Arc<Node>; 2]> = SmallVec::new();
        self.part_from_inputs(&mut waiting);
        while let Some(node) = waiting.pop() {
            if let Some(mut node) = Arc::into_inner(node) {
                node.part_from_inputs(&mut waiting);
            }
        }
    }
}

/// An entry by age, for walking a history from its end.
pub(crate) struct ByAge(pub(crate) Arc<Node>);

impl Ord for ByAge {
    #[inline]
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.id.cmp(&other.0.id)
    }
}
impl PartialOrd for ByAge {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for ByAge {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}
impl Eq for ByAge {}

/// A history, oldest entry first. Printing it gives one line per entry: number, op, inputs, shape, type, bytes that it alone keeps
/// alive, and the source line.
pub struct Tape {
    entries: Vec<Arc<Node>>,
}

impl Tape {
    /// The history of `y`.
    pub fn of(y: &Var) -> Tape {
        let mut entries: Vec<Arc<Node>> = Vec::new();
        let mut waiting: BinaryHeap<ByAge> = y.node().cloned().map(ByAge).into_iter().collect();
        while let Some(ByAge(node)) = waiting.pop() {
            if entries.last().is_some_and(|last| last.id == node.id) {
                continue;
            }
            waiting.extend(node.inputs.iter().filter_map(Var::node).cloned().map(ByAge));
            entries.push(node);
        }
        entries.reverse();
        Tape { entries }
    }

    /// Takes the youngest entry off.
    pub fn pop(&mut self) -> Option<Arc<Node>> {
        self.entries.pop()
    }

    /// The entries, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Node>> + ExactSizeIterator {
        self.entries.iter()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no history.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The oldest entry whose result holds a NaN or an infinity. Results that the tape did not keep are computed again, where what they were
    /// computed from is known.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![F64; 2., 0.]);
    /// let y = (x.log() * 0.0).exp().sum(); // 0 · ln 0
    /// assert_eq!(y.tape().first_non_finite().unwrap().op(), "log");
    /// ```
    pub fn first_non_finite(&self) -> Option<&Arc<Node>> {
        let mut known: HashMap<u64, Tensor> = HashMap::new();
        for input in self.entries.iter().flat_map(|node| &node.inputs).filter(|input| !input.value.is_ghost()) {
            known.extend(input.id().map(|id| (id, input.value.clone())));
        }
        self.entries.iter().find(|node| {
            let value = |x: &Var| match x.id() {
                Some(id) => known.get(&id).cloned(),
                None => (!x.value.is_ghost()).then(|| x.value.clone()),
            };
            let again = || {
                let inputs: Option<Vec<Tensor>> = node.inputs.iter().map(value).collect();
                let inputs = inputs.filter(|inputs| !inputs.is_empty())?;
                Some(node.rule.forward(&inputs.iter().collect::<Vec<_>>()))
            };
            let saved = (!node.output().is_ghost()).then(|| node.output().clone());
            let Some(result) = saved.or_else(|| known.get(&node.id).cloned()).or_else(again) else { return false };
            let broken = !result.all_finite();
            known.insert(node.id, result);
            broken
        })
    }

    /// Bytes that each entry saves for its rule and no earlier one already did.
    pub fn bytes_saved(&self) -> Vec<usize> {
        let mut seen = HashSet::new();
        let mut fresh = |tensor: &Tensor| match tensor.is_ghost() || !seen.insert(tensor.memory_id()) {
            true => 0,
            false => tensor.bytes(),
        };
        let saved = |node: &Arc<Node>| node.inputs.iter().map(Var::value).chain([node.output()]).map(&mut fresh).sum();
        self.entries.iter().map(saved).collect()
    }
}

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: HashMap<u64, usize> = self.entries.iter().enumerate().map(|(i, node)| (node.id, i)).collect();
        let input = |var: &Var| match var.node() {
            Some(node) => format!("#{}", numbers[&node.id]),
            None => format!("const{}", var.to_shape()),
        };
        let row = |(i, (node, bytes)): (usize, (&Arc<Node>, usize))| {
            let name = node.label().map_or(node.op().to_string(), |label| format!("{} {label:?}", node.op()));
            let inputs: Vec<String> = node.inputs.iter().map(input).collect();
            let saved = if bytes > 0 { format!("{bytes} B") } else { "-".into() };
            [
                format!("#{i}"),
                name,
                inputs.join(", "),
                node.output.to_shape().to_string(),
                node.dtype().to_string(),
                saved,
                node.at.to_string(),
            ]
        };
        let header = ["#", "op", "inputs", "shape", "dtype", "saved", "at"].map(String::from);
        let bytes = self.bytes_saved();
        let rows: Vec<_> = [header].into_iter().chain(self.entries.iter().zip(bytes).enumerate().map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 7] = std::array::from_fn(width);
        for row in &rows {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
