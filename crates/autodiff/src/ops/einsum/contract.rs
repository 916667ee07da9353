//! The products themselves: diagonals, sums, and one matrix product for each pair.

use std::collections::BTreeMap;

use super::order::{Plan, plan};
use super::{Label, parse};
use crate::var::Var;

/// An operand whose axes have names, each once.
#[derive(Clone)]
struct Named {
    var: Var,
    labels: Vec<Label>,
}

/// The product of the operands, summed over every label that is not in `output`.
#[track_caller]
pub(super) fn contract(op: &str, operands: &[&Var], labels: &[Vec<Label>], output: &[Label]) -> Var {
    let mut sizes: BTreeMap<Label, usize> = BTreeMap::new();
    for (x, labels) in operands.iter().zip(labels) {
        assert!(
            x.dtype() == operands[0].dtype(),
            "{op}: element types differ: {} and {}; convert one with .cast",
            operands[0].dtype(),
            x.dtype()
        );
        for (&label, &n) in labels.iter().zip(x.shape()) {
            let size = sizes.entry(label).or_insert(n);
            assert!(
                *size == n || *size == 1 || n == 1,
                "{op}: an axis has length {size} in one operand and {n} in another: {}",
                parse::shapes(operands)
            );
            *size = if *size == 1 { n } else { *size };
        }
    }
    let mut named = Vec::with_capacity(operands.len());
    for (x, labels) in operands.iter().zip(labels) {
        named.push(diagonal(op, x, labels).without_broadcast(&sizes));
    }
    let inputs: Vec<Vec<Label>> = named.iter().map(|x| x.labels.clone()).collect();
    let product = plan(&inputs, output, &sizes).run(&named, output);
    product.permuted(output)
}

/// The operand with each label once: the diagonal over axes that share one.
#[track_caller]
fn diagonal(op: &str, x: &Var, labels: &[Label]) -> Named {
    let mut named = Named { var: x.clone(), labels: labels.to_vec() };
    while let Some((i, j)) = repeated(&named.labels) {
        let n = named.var.shape()[i];
        assert!(
            n == named.var.shape()[j],
            "{op}: axes {i} and {j} of {} have one letter and lengths that differ",
            x.to_shape()
        );
        let mut labels = named.labels.clone();
        labels.push(labels[i]);
        labels.remove(j); // before i, which comes earlier
        labels.remove(i);
        named = Named { var: named.var.diagonal(0, i as isize, j as isize), labels };
    }
    named
}

fn repeated(labels: &[Label]) -> Option<(usize, usize)> {
    (0..labels.len()).find_map(|j| (0..j).find(|&i| labels[i] == labels[j]).map(|i| (i, j)))
}

impl Named {
    /// Without axes of length 1 that are longer elsewhere.
    #[track_caller]
    fn without_broadcast(self, sizes: &BTreeMap<Label, usize>) -> Named {
        let shape = self.var.to_shape();
        let stays = |axis: &usize| shape[*axis] == sizes[&self.labels[*axis]];
        let axes: Vec<usize> = (0..shape.len()).filter(stays).collect();
        Named {
            labels: axes.iter().map(|&axis| self.labels[axis]).collect(),
            var: self.var.reshape(axes.iter().map(|&axis| shape[axis]).collect::<Vec<_>>()),
        }
    }

    /// Summed over the labels that are not wanted.
    #[track_caller]
    fn summed(&self, wanted: impl Fn(Label) -> bool) -> Named {
        let gone: Vec<isize> =
            (0..self.labels.len()).filter(|&i| !wanted(self.labels[i])).map(|i| i as isize).collect();
        if gone.is_empty() {
            return self.clone();
        }
        Named {
            var: self.var.sum_axes(&gone, false),
            labels: self.labels.iter().copied().filter(|&label| wanted(label)).collect(),
        }
    }

    /// The variable with its axes in this order.
    #[track_caller]
    fn permuted(&self, order: &[Label]) -> Var {
        if self.labels == order {
            return self.var.clone();
        }
        let at =
            |label: &Label| self.labels.iter().position(|l| l == label).expect("labels of the output are in inputs");
        self.var.permute(&order.iter().map(|label| at(label) as isize).collect::<Vec<_>>())
    }

    fn count(&self, labels: &[Label]) -> usize {
        self.labels.iter().zip(self.var.shape()).filter(|(l, _)| labels.contains(l)).map(|(_, n)| n).product()
    }

    /// The product with another, summed over shared labels that are not wanted: one matrix product for each member of a batch.
    #[track_caller]
    fn times(&self, b: &Named, wanted: impl Fn(Label) -> bool) -> Named {
        let a = self.summed(|label| b.labels.contains(&label) || wanted(label));
        let b = b.summed(|label| self.labels.contains(&label) || wanted(label));
        let pick = |x: &Named, other: &Named, shared: bool, kept: bool| -> Vec<Label> {
            let chosen = |label: &Label| other.labels.contains(label) == shared && wanted(*label) == kept;
            x.labels.iter().copied().filter(chosen).collect()
        };
        let (batch, inner) = (pick(&a, &b, true, true), pick(&a, &b, true, false));
        let (rows, columns) = (pick(&a, &b, false, true), pick(&b, &a, false, true));
        let lengths =
            |x: &Named, labels: &[Label]| -> Vec<usize> { labels.iter().map(|&label| x.count(&[label])).collect() };
        let shape = [lengths(&a, &batch), lengths(&a, &rows), lengths(&b, &columns)].concat();
        let [batches, m, n, k] = [a.count(&batch), a.count(&rows), b.count(&columns), a.count(&inner)];
        let left = a.permuted(&[&batch[..], &rows, &inner].concat());
        let product = if m == 1 && n == 1 {
            // Many dot products: quicker by elements.
            let right = b.permuted(&[&batch[..], &columns, &inner].concat()).reshape([batches, k]);
            (left.reshape([batches, k]) * right).sum_axes(&[1], false)
        } else if k == 1 {
            let right = b.permuted(&[&batch[..], &inner, &columns].concat());
            left.reshape([batches, m, 1]) * right.reshape([batches, 1, n])
        } else {
            let right = b.permuted(&[&batch[..], &inner, &columns].concat());
            match batches {
                1 => left.reshape([m, k]).matmul(&right.reshape([k, n])),
                _ => left.reshape([batches, m, k]).matmul(&right.reshape([batches, k, n])),
            }
        };
        Named { var: product.reshape(shape), labels: [batch, rows, columns].concat() }
    }
}

impl Plan {
    /// The product, summed over every label that neither `wanted` nor the rest of the product names.
    #[track_caller]
    fn run(&self, operands: &[Named], wanted: &[Label]) -> Named {
        match self {
            Plan::Operand(i) => operands[*i].summed(|label| wanted.contains(&label)),
            Plan::Product(left, right) => {
                let of = |plan: &Plan| -> Vec<Label> {
                    plan.operands().into_iter().flat_map(|i| operands[i].labels.clone()).collect()
                };
                let a = left.run(operands, &[wanted, &of(right)[..]].concat());
                let b = right.run(operands, &[wanted, &of(left)[..]].concat());
                a.times(&b, |label| wanted.contains(&label))
            }
        }
    }
}
