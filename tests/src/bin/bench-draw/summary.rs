//! The targets: figures of each graph relative to those of Graphviz.

use crate::quality::Quality;

use crate::run::Cost;

/// A tool, the quality of its drawing, and its cost.
type Row = (String, Quality, Cost);

#[derive(Default)]
pub(crate) struct Summary {
    /// Number of nodes of each graph, and its results.
    graphs: Vec<(usize, Vec<Row>)>,
}

impl Summary {
    /// Begins the next graph.
    pub(crate) fn graph(&mut self, nodes: usize) {
        self.graphs.push((nodes, Vec::new()));
    }

    /// Adds a result for the current graph.
    pub(crate) fn add(&mut self, tool: &str, quality: Quality, cost: Cost) {
        if let Some((_, by)) = self.graphs.last_mut() {
            by.push((tool.to_owned(), quality, cost));
        }
    }

    /// Prints a line for each target: median and worst over the graphs, and the number that meet it.
    pub(crate) fn print(&self) {
        println!(
            "\n{:<50}{:>8}{:>8}{:>8}{:>8}",
            "target", "wanted", "median", "worst", "met"
        );
        let stress = |q: &Quality, _: &Cost| q.stress;
        let near = |q: &Quality, _: &Cost| q.neighbourhood;
        let crossings = |q: &Quality, _: &Cost| q.crossings as f64;
        let wall = |_: &Quality, cost: &Cost| cost.wall_ms;
        let small = |nodes: usize| nodes <= 1_000;
        let large = |nodes: usize| nodes >= 10_000;
        let both: &[&str] = &["neato", "sfdp"];
        self.line(
            "stress to neato's, to 1,000 nodes",
            1.0,
            small,
            stress,
            &["neato"],
        );
        self.line(
            "stress to sfdp's, 10,000 nodes",
            1.0,
            large,
            stress,
            &["sfdp"],
        );
        self.line(
            "crossings to the smaller of neato's and sfdp's",
            1.0,
            |_| true,
            crossings,
            both,
        );
        self.line(
            "neato's neighbourhoods to ours",
            1.0,
            |_| true,
            turned(near),
            &["neato"],
        );
        self.line(
            "sfdp's neighbourhoods to ours",
            1.0,
            |_| true,
            turned(near),
            &["sfdp"],
        );
        let thousand = |nodes: usize| nodes == 1_000;
        self.line(
            "wall to neato's, 1,000 nodes",
            0.1,
            thousand,
            wall,
            &["neato"],
        );
        self.line("wall to sfdp's, 10,000 nodes", 1.0, large, wall, &["sfdp"]);
        let aspect = |q: &Quality, _: &Cost| 0.5 / q.aspect;
        let canvas = |q: &Quality, _: &Cost| 0.55 / q.canvas_use;
        self.line("0.5 to aspect", 1.0, |_| true, aspect, &[]);
        self.line("0.55 to canvas use", 1.0, |_| true, canvas, &[]);
        let ours = self.graphs.iter().flat_map(|(_, by)| by.first());
        let overlaps: usize = ours.map(|(_, quality, _)| quality.overlaps).sum();
        println!("{:<50}{:>8}{overlaps:>8}", "node overlaps, all graphs", 0);
    }

    /// The figure of this layout relative to the smallest of the others, or absolute; smaller is better.
    fn line(
        &self,
        title: &str,
        wanted: f64,
        of: impl Fn(usize) -> bool,
        figure: impl Fn(&Quality, &Cost) -> f64,
        others: &[&str],
    ) {
        let mut ratios = Vec::new();
        for (_, by) in self.graphs.iter().filter(|(nodes, _)| of(*nodes)) {
            let value = |tool: &str| {
                let found = by.iter().find(|(name, _, _)| name == tool);
                found.map(|(_, quality, cost)| figure(quality, cost))
            };
            let Some(own) = value("whotalks") else {
                continue;
            };
            let smallest = others
                .iter()
                .filter_map(|tool| value(tool))
                .reduce(f64::min);
            match (others.is_empty(), smallest) {
                (true, _) => ratios.push(own),
                // Without edges there is nothing to compare.
                (false, Some(other)) if other != 0.0 => ratios.push(own / other),
                (false, _) => {}
            }
        }
        ratios.sort_by(f64::total_cmp);
        let (Some(median), Some(worst)) = (ratios.get(ratios.len() / 2), ratios.last()) else {
            return println!("{title:<50}{wanted:>8} not measured");
        };
        let met = ratios.iter().filter(|ratio| **ratio <= wanted).count();
        let met = format!("{met}/{}", ratios.len());
        println!("{title:<50}{wanted:>8}{median:>8.2}{worst:>8.2}{met:>8}");
    }
}

/// Inverts a figure of which more is better.
fn turned(figure: impl Fn(&Quality, &Cost) -> f64) -> impl Fn(&Quality, &Cost) -> f64 {
    move |quality, cost| 1.0 / figure(quality, cost).max(1e-9)
}
