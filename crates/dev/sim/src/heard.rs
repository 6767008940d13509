//! A meter that keeps all that it hears, for who looks at it afterwards.

use std::cell::RefCell;

use baton_pipeline::{Figure, Meter};

/// Figures in the order in which their transactions committed.
#[derive(Debug, Default)]
pub struct Heard {
    /// What was heard.
    pub figures: RefCell<Vec<Figure>>,
    /// The sources that it tells apart.
    pub sources: Vec<String>,
}

impl Meter for Heard {
    fn committed(&self, figures: &[Figure]) {
        self.figures.borrow_mut().extend_from_slice(figures);
    }

    fn sources(&self) -> &[String] {
        &self.sources
    }
}
