//! The names that somebody may have meant.

/// The names of `known` that are near `name`, nearest first, at most `most`. Near means: a third of
/// the letters or fewer differ, or one name contains the other.
pub fn nearest<'k>(
    name: &str,
    known: impl IntoIterator<Item = &'k str>,
    most: usize,
) -> Vec<&'k str> {
    let wanted = name.to_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = distance(&wanted, &lower);
            let longest = wanted.chars().count().max(lower.chars().count());
            let close = distance * 3 <= longest.max(3);
            let part = wanted.len() >= 3
                && lower.len() >= 3
                && (lower.contains(&wanted) || wanted.contains(&lower));
            (close || part).then_some((distance, candidate))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(most).map(|(_, candidate)| candidate).collect()
}

/// How many letters must be changed, added or removed, where a swap of neighbours counts once.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut older = vec![0; b.len() + 1];
    let mut old: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut new = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            let same = usize::from(a[i] != b[j]);
            new[j + 1] = (old[j] + same).min(old[j + 1] + 1).min(new[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                new[j + 1] = new[j + 1].min(older[j - 1] + 1);
            }
        }
        older = old;
        old = new;
    }
    old[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits_and_swaps() {
        let table = [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 1)];
        for (a, b, expected) in table {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_names_that_could_be_meant_are_near() {
        let known = ["base_url", "api_key", "models", "headers"];
        assert_eq!(nearest("base_ur", known, 3), ["base_url"]);
        assert_eq!(nearest("apikey", known, 3), ["api_key"]);
        assert!(nearest("zzz", known, 3).is_empty());
        assert_eq!(nearest("v4-pro", ["deepseek/deepseek-v4-pro"], 3).len(), 1);
    }
}
