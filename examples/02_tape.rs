//! What the tape holds, and the backward pass taken one step at a time.
//!
//! Run with `cargo run --example 02_tape`.

use std::collections::HashMap;

use chainrule::prelude::*;

fn main() {
    // A neuron: two inputs, two weights, a bias, a squashing function and a target.
    let x = Var::constant(tensor![F64; 2.0, -1.0]);
    let w = Var::leaf(tensor![F64; 0.5, 0.25]).named("w");
    let b = Var::leaf(0.1).named("b");
    let prediction = ((&w * &x).sum() + &b).tanh();
    let loss = (prediction - 1.0).square();

    println!("loss = {}\n", loss.value());
    println!("The tape, oldest entry first. `saved` is what an entry keeps for its own rule:\n\n{}", loss.tape());

    // The backward pass: take the youngest entry off, and ask its rule where its gradient goes.
    println!("The backward pass, youngest entry first:\n");
    let mut tape = loss.tape();
    let mut gradients: HashMap<u64, Var> = HashMap::from([(loss.id().unwrap(), Var::constant(1.0))]);
    while let Some(entry) = tape.pop() {
        let g = gradients.remove(&entry.id()).expect("an entry's users come before it");
        if entry.is_leaf() {
            println!("{:<8} d loss / d {} = {}", "leaf", entry.label().unwrap_or("?"), g.value());
            continue;
        }
        println!("{:<8} receives {}", entry.op(), g.value());
        for (wrt, input) in entry.tracked_inputs() {
            let part = entry.pull_back(wrt, &g, false);
            println!("{:<8}   sends {} to its argument {wrt}", "", part.value());
            let id = input.id().unwrap();
            let sum = match gradients.remove(&id) {
                Some(before) => before + part,
                None => part,
            };
            gradients.insert(id, sum);
        }
    }

    // The same in one call.
    let all = loss.backward();
    println!("\nbackward() says: d loss / d w = {}, d loss / d b = {}", all[&w], all[&b]);
}
