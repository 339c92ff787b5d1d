//! Programs that are a list of named cases.
//!
//! CASE  one of the names, or "all" (default); prints `ok NAME` for each

pub type Case = (&'static str, fn());

/// Runs the case that CASE names, or all of them but those that run only by name.
pub fn run(all: &[Case], only_by_name: &[Case]) {
    let chosen = crate::variable("CASE", "all");
    let mut found = false;
    for (name, case) in all.iter().chain(only_by_name) {
        let is_in_all = all.iter().any(|(other, _)| other == name);
        if chosen == *name || (chosen == "all" && is_in_all) {
            found = true;
            case();
            println!("ok {name}");
        }
    }
    assert!(found, "CASE={chosen} is unknown");
}

/// A `main` with these cases; those after `only_by_name` are not part of "all".
#[macro_export]
macro_rules! cases {
    ($($name:literal => $case:path,)* $(only_by_name: $($extra:literal => $extra_case:path,)*)?) => {
        fn main() {
            $crate::run(&[$(($name, $case)),*], &[$($(($extra, $extra_case)),*)?]);
        }
    };
}
