//! Initial layout: classical scaling of the distances to the pivots (Brandes and Pich:
//! Eigensolver methods for progressive multidimensional scaling of large data, 2006).
//!
//! Yields the large-scale shape only; leaves of one hub coincide. The caller adds noise and
//! minimises stress.

use super::distances::Pivots;
use super::rng::Rng;

/// Coordinates of every node; one unit is about the length of an edge.
pub(crate) fn layout(pivots: &Pivots, nodes: usize, rng: &mut Rng) -> (Vec<f32>, Vec<f32>) {
    let columns = pivots.nodes.len();
    if columns == 0 || nodes == 0 {
        return (vec![0.0; nodes], vec![0.0; nodes]);
    }
    let matrix = centered(pivots, nodes);
    let product = gram(&matrix, columns);
    let first = eigenvector(&product, columns, None, rng);
    let second = eigenvector(&product, columns, Some(&first), rng);
    // The coordinate of every node along an eigenvector.
    let project = |vector: &[f64]| matrix.iter().map(|row| dot(row, vector)).collect();
    let (x, y): (Vec<f64>, Vec<f64>) = (project(&first), project(&second));
    let scale = scale_to_hops(pivots, &x, &y);
    let as_f32 = |values: Vec<f64>| values.into_iter().map(|v| (v * scale) as f32).collect();
    (as_f32(x), as_f32(y))
}

/// Doubly centered squared distances: a row for each node, a column for each pivot.
fn centered(pivots: &Pivots, nodes: usize) -> Vec<Vec<f64>> {
    let columns = pivots.nodes.len();
    let squares = |v: usize| pivots.hops.iter().map(move |row| f64::from(row[v]).powi(2));
    let mut matrix: Vec<Vec<f64>> = (0..nodes).map(|v| squares(v).collect()).collect();
    let mut column_mean = vec![0.0; columns];
    for row in &matrix {
        for (mean, value) in column_mean.iter_mut().zip(row) {
            *mean += value / nodes as f64;
        }
    }
    let mean = column_mean.iter().sum::<f64>() / columns as f64;
    for row in &mut matrix {
        let row_mean = row.iter().sum::<f64>() / columns as f64;
        for (value, column) in row.iter_mut().zip(&column_mean) {
            *value = -0.5 * (*value - row_mean - column + mean);
        }
    }
    matrix
}

/// The product of the transposed matrix and the matrix.
fn gram(matrix: &[Vec<f64>], columns: usize) -> Vec<f64> {
    let mut product = vec![0.0; columns * columns];
    for row in matrix {
        for (a, line) in row.iter().zip(product.chunks_mut(columns)) {
            for (cell, b) in line.iter_mut().zip(row) {
                *cell += a * b;
            }
        }
    }
    product
}

/// Dominant eigenvector orthogonal to `previous`, by power iteration.
fn eigenvector(
    product: &[f64],
    columns: usize,
    previous: Option<&[f64]>,
    rng: &mut Rng,
) -> Vec<f64> {
    let mut vector: Vec<f64> = (0..columns).map(|_| rng.unit() - 0.5).collect();
    for _ in 0..100 {
        let lines = product.chunks(columns);
        let mut next: Vec<f64> = lines.map(|line| dot(line, &vector)).collect();
        if let Some(previous) = previous {
            let along = dot(&next, previous);
            for (value, b) in next.iter_mut().zip(previous) {
                *value -= along * b;
            }
        }
        let length = dot(&next, &next).sqrt();
        if length < 1e-12 {
            return vec![0.0; columns];
        }
        let mut change = 0.0;
        for (old, value) in vector.iter_mut().zip(next) {
            change += (*old - value / length).abs();
            *old = value / length;
        }
        if change < 1e-7 {
            break;
        }
    }
    vector
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The factor by which distances on the plane fit distances in the graph best.
fn scale_to_hops(pivots: &Pivots, x: &[f64], y: &[f64]) -> f64 {
    let (mut over, mut under) = (0.0, 0.0);
    for (&pivot, row) in pivots.nodes.iter().zip(&pivots.hops) {
        let (px, py) = (x[pivot as usize], y[pivot as usize]);
        for ((vx, vy), &hops) in x.iter().zip(y).zip(row) {
            if hops > 0 {
                let length = (vx - px).hypot(vy - py);
                let hops = f64::from(hops);
                over += length / hops;
                under += length * length / (hops * hops);
            }
        }
    }
    if under > 1e-12 { over / under } else { 1.0 }
}
