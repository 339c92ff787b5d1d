//! Fixtures that are a list of named cases.
//!
//! CASE  one of the names, or "all" (default); prints `ok NAME` for each and stops at the first failure

use crate::net::Boxed;
use crate::{Checked, Failure, environment, print};

/// The way from a name to its case. Boxed: else all cases become one function of 100 KB.
pub type Find = fn(&str) -> Option<Boxed<'static>>;

pub async fn run(all: &[&str], find: Find) -> Checked {
    let chosen = environment::text_or("CASE", "all");
    let names = if chosen == "all" { all } else { &[chosen.as_str()] };
    for name in names {
        let case = find(name).ok_or_else(|| Failure::new(format!("CASE={name} is unknown")))?;
        if let Err(failure) = case.await {
            print::error(&format!("case {name}: ")).await;
            return Err(failure);
        }
        print::out(&format!("ok {name}\n")).await;
    }
    Ok(())
}

/// Exports `wasi:cli/run` with these cases as the program; those after `only_by_name` are not part of "all".
#[macro_export]
macro_rules! cases {
    ($($name:literal => $case:path,)* $(only_by_name: $($extra:literal => $extra_case:path,)*)?) => {
        async fn cases() -> $crate::Checked {
            $crate::cases::run(&[$($name),*], |name| {
                Some(match name {
                    $($name => Box::pin($case()),)*
                    $($($extra => Box::pin($extra_case()),)*)?
                    _ => return None,
                })
            })
            .await
        }

        $crate::program!(cases);
    };
}
