//! Values under small numbers that are used again: a connection's number is its poll token.

/// A table whose free places are filled first.
#[derive(Debug)]
pub struct Slots<T> {
    places: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// The number that the next inserted value gets.
    #[must_use]
    pub fn next_number(&self) -> usize {
        self.free.last().copied().unwrap_or(self.places.len())
    }

    pub fn insert(&mut self, value: T) -> usize {
        if let Some(number) = self.free.pop() {
            self.places[number] = Some(value);
            return number;
        }
        self.places.push(Some(value));
        self.places.len() - 1
    }

    pub fn remove(&mut self, number: usize) -> Option<T> {
        let value = self.places.get_mut(number)?.take()?;
        self.free.push(number);
        Some(value)
    }

    #[must_use]
    pub fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        self.places.get_mut(number)?.as_mut()
    }
}
