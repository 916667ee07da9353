//! In which order to multiply: every tree of products for few operands, a greedy one for many.

use std::collections::BTreeMap;

use super::Label;

/// A tree of products of two.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plan {
    Operand(usize),
    Product(Box<Plan>, Box<Plan>),
}

impl Plan {
    /// The operands in it.
    pub(super) fn operands(&self) -> Vec<usize> {
        match self {
            Plan::Operand(i) => vec![*i],
            Plan::Product(a, b) => [a.operands(), b.operands()].concat(),
        }
    }

    fn product(a: Plan, b: Plan) -> Plan {
        Plan::Product(Box::new(a), Box::new(b))
    }
}

/// Operands up to which all trees are compared: 3⁸ steps.
const FEW: usize = 8;

/// A tree with a small number of multiplications.
pub(super) fn plan(inputs: &[Vec<Label>], output: &[Label], sizes: &BTreeMap<Label, usize>) -> Plan {
    let problem = Problem { inputs, output, sizes };
    match inputs.len() {
        0 => unreachable!("a product has operands"),
        n if n <= FEW => problem.best(),
        _ => problem.greedy(),
    }
}

struct Problem<'a> {
    inputs: &'a [Vec<Label>],
    output: &'a [Label],
    sizes: &'a BTreeMap<Label, usize>,
}

impl Problem<'_> {
    /// The labels that the product of a set of operands has left: those that the output or another operand needs.
    fn left(&self, set: usize) -> Vec<Label> {
        let within = |i: &usize| set >> i & 1 == 1;
        let n = self.inputs.len();
        let needed = |label: &Label| {
            self.output.contains(label) || (0..n).filter(|i| !within(i)).any(|i| self.inputs[i].contains(label))
        };
        let mut labels: Vec<Label> =
            (0..n).filter(within).flat_map(|i| self.inputs[i].clone()).filter(needed).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    fn size(&self, labels: impl IntoIterator<Item = Label>) -> f64 {
        labels.into_iter().map(|label| self.sizes[&label].max(1) as f64).product()
    }

    /// Multiplications of one product.
    fn cost(&self, a: &[Label], b: &[Label]) -> f64 {
        self.size(a.iter().copied().chain(b.iter().copied().filter(|label| !a.contains(label))))
    }

    /// The best tree of each set of operands, from those of its parts.
    fn best(&self) -> Plan {
        let n = self.inputs.len();
        let left: Vec<Vec<Label>> = (0..1 << n).map(|set| self.left(set)).collect();
        let mut found: Vec<Option<(f64, Plan)>> = vec![None; 1 << n];
        for set in 1usize..1 << n {
            if set.is_power_of_two() {
                found[set] = Some((0.0, Plan::Operand(set.trailing_zeros() as usize)));
                continue;
            }
            let mut best: Option<(f64, usize)> = None;
            let mut part = (set - 1) & set;
            while part > set ^ part {
                let cost_of = |set: usize| found[set].as_ref().map_or(f64::INFINITY, |(cost, _)| *cost);
                let cost = cost_of(part) + cost_of(set ^ part) + self.cost(&left[part], &left[set ^ part]);
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, part));
                }
                part = (part - 1) & set;
            }
            let (cost, part) = best.expect("a set of two or more has parts");
            let plan = |set: usize| found[set].as_ref().map(|(_, plan)| plan.clone()).expect("parts come first");
            found[set] = Some((cost, Plan::product(plan(set ^ part), plan(part))));
        }
        found.pop().flatten().expect("the set of all comes last").1
    }

    /// Again and again the two whose product takes least room compared with what it replaces.
    fn greedy(&self) -> Plan {
        let mut parts: Vec<(Vec<Label>, Plan)> =
            self.inputs.iter().enumerate().map(|(i, labels)| (labels.clone(), Plan::Operand(i))).collect();
        while parts.len() > 1 {
            let joined = |i: usize, j: usize| -> Vec<Label> {
                let others = (0..parts.len()).filter(|&k| k != i && k != j);
                let needed: Vec<Label> = others.flat_map(|k| parts[k].0.clone()).chain(self.output.to_vec()).collect();
                let (a, b) = (&parts[i].0, &parts[j].0);
                let all = a.iter().chain(b.iter().filter(|label| !a.contains(label)));
                all.copied().filter(|label| needed.contains(label)).collect()
            };
            let growth = |i: usize, j: usize| {
                self.size(joined(i, j)) - self.size(parts[i].0.clone()) - self.size(parts[j].0.clone())
            };
            let mut best = (growth(0, 1), 0, 1);
            for j in 1..parts.len() {
                for i in 0..j {
                    let grows = growth(i, j);
                    if grows < best.0 {
                        best = (grows, i, j);
                    }
                }
            }
            let (_, i, j) = best;
            let labels = joined(i, j);
            let (_, b) = parts.remove(j);
            let (_, a) = std::mem::replace(&mut parts[i], (labels, Plan::Operand(0)));
            parts[i].1 = Plan::product(a, b);
        }
        parts.remove(0).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a [10, 1000], b [1000, 10], c [10, 1000], d [1000, 2], …
    fn chain(lengths: &[usize]) -> (Vec<Vec<Label>>, Vec<Label>, BTreeMap<Label, usize>) {
        let n = lengths.len() - 1;
        ((0..n).map(|i| vec![i, i + 1]).collect(), vec![0, n], lengths.iter().copied().enumerate().collect())
    }

    #[test]
    fn the_cheapest_tree_is_found() {
        let (inputs, output, sizes) = chain(&[10, 1000, 10, 1000, 2]);
        let product = |a, b| Plan::product(a, b);
        let [a, b, c, d] = [0, 1, 2, 3].map(Plan::Operand);
        assert_eq!(plan(&inputs, &output, &sizes), product(a, product(b, product(c, d))));
    }

    #[test]
    fn many_operands_are_each_used_once() {
        let lengths: Vec<usize> = (0..13).map(|i| 2 + i * 7 % 5).collect();
        let (inputs, output, sizes) = chain(&lengths);
        let mut used = plan(&inputs, &output, &sizes).operands();
        used.sort_unstable();
        assert_eq!(used, (0..12).collect::<Vec<_>>());
    }
}
