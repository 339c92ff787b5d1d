//! Descriptors, with checks and calls that fit a case on one line. Each call is boxed: see `support::net::Boxed`.

use std::fmt::Debug;
use std::ops::Deref;

use futures::future::LocalBoxFuture;
use support::{Checked, Failure};

pub use crate::bindings::wasi::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, NewTimestamp,
    OpenFlags, PathFlags,
};

type Reply<'a, T = ()> = LocalBoxFuture<'a, Result<T, ErrorCode>>;

/// A descriptor whose methods take paths as they are written down.
pub struct Node(pub Descriptor);

impl Deref for Node {
    type Target = Descriptor;

    fn deref(&self) -> &Descriptor {
        &self.0
    }
}

impl Node {
    pub fn create_directory_at(&self, path: &str) -> Reply<'_> {
        Box::pin(self.0.create_directory_at(path.to_string()))
    }

    pub fn stat(&self) -> Reply<'_, DescriptorStat> {
        Box::pin(self.0.stat())
    }

    pub fn stat_at(&self, follow: bool, path: &str) -> Reply<'_, DescriptorStat> {
        Box::pin(self.0.stat_at(path_flags(follow), path.to_string()))
    }

    pub fn set_times(&self, accessed: NewTimestamp, modified: NewTimestamp) -> Reply<'_> {
        Box::pin(self.0.set_times(accessed, modified))
    }

    pub fn set_times_at(&self, follow: bool, path: &str, accessed: NewTimestamp, modified: NewTimestamp) -> Reply<'_> {
        Box::pin(self.0.set_times_at(path_flags(follow), path.to_string(), accessed, modified))
    }

    pub fn link_at<'a>(&'a self, follow: bool, old: &str, base: &'a Node, new: &str) -> Reply<'a> {
        Box::pin(self.0.link_at(path_flags(follow), old.to_string(), &base.0, new.to_string()))
    }

    pub fn open_at(&self, follow: bool, path: &str, open: OpenFlags, flags: DescriptorFlags) -> Reply<'_, Node> {
        let opening = self.0.open_at(path_flags(follow), path.to_string(), open, flags);
        Box::pin(async { opening.await.map(Node) })
    }

    pub fn readlink_at(&self, path: &str) -> Reply<'_, String> {
        Box::pin(self.0.readlink_at(path.to_string()))
    }

    pub fn remove_directory_at(&self, path: &str) -> Reply<'_> {
        Box::pin(self.0.remove_directory_at(path.to_string()))
    }

    pub fn rename_at<'a>(&'a self, old: &str, base: &'a Node, new: &str) -> Reply<'a> {
        Box::pin(self.0.rename_at(old.to_string(), &base.0, new.to_string()))
    }

    pub fn symlink_at(&self, target: &str, path: &str) -> Reply<'_> {
        Box::pin(self.0.symlink_at(target.to_string(), path.to_string()))
    }

    pub fn unlink_file_at(&self, path: &str) -> Reply<'_> {
        Box::pin(self.0.unlink_file_at(path.to_string()))
    }

    pub fn is_same_object<'a>(&'a self, other: &'a Node) -> LocalBoxFuture<'a, bool> {
        Box::pin(self.0.is_same_object(&other.0))
    }

    pub fn metadata_hash(&self) -> Reply<'_, (u64, u64)> {
        Box::pin(async { self.0.metadata_hash().await.map(|value| (value.lower, value.upper)) })
    }

    pub fn metadata_hash_at(&self, follow: bool, path: &str) -> Reply<'_, (u64, u64)> {
        let hashing = self.0.metadata_hash_at(path_flags(follow), path.to_string());
        Box::pin(async { hashing.await.map(|value| (value.lower, value.upper)) })
    }
}

fn path_flags(follow: bool) -> PathFlags {
    if follow { PathFlags::SYMLINK_FOLLOW } else { PathFlags::empty() }
}

impl From<ErrorCode> for Failure {
    // the caller is the line with the `?`
    #[track_caller]
    fn from(code: ErrorCode) -> Failure {
        Failure::new(format!("unexpected error-code: {}", name(&code)))
    }
}

/// The name of an error-code or of a type as WIT spells it.
pub fn name(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    let mut spelled = String::new();
    for letter in text.rsplit("::").next().unwrap_or(&text).chars() {
        if letter.is_ascii_uppercase() && !spelled.is_empty() {
            spelled.push('-');
        }
        spelled.push(letter.to_ascii_lowercase());
    }
    spelled
}

/// The call must have failed with exactly this error-code.
#[track_caller]
pub fn refused<T>(got: Result<T, ErrorCode>, want: ErrorCode) -> Checked {
    refused_any(got, &[want])
}

/// The call must have failed with one of these error-codes.
#[track_caller]
#[inline(never)]
pub fn refused_any<T>(got: Result<T, ErrorCode>, wanted: &[ErrorCode]) -> Checked {
    let expected = || wanted.iter().map(name).collect::<Vec<_>>().join(" or ");
    match got {
        Ok(_) => Err(Failure::new(format!("succeeded, expected {}", expected()))),
        Err(code) if wanted.contains(&code) => Ok(()),
        Err(code) => Err(Failure::new(format!("got {}, expected {}", name(&code), expected()))),
    }
}

#[track_caller]
#[inline(never)]
pub fn holds(claim: bool) -> Checked {
    if claim { Ok(()) } else { Err(Failure::new("does not hold")) }
}

#[track_caller]
pub fn equal<A: PartialEq<B> + Debug, B: Debug>(got: A, want: B) -> Checked {
    if got == want { Ok(()) } else { Err(Failure::new(format!("got {got:?}, expected {want:?}"))) }
}

#[track_caller]
pub fn differ<T: PartialEq + Debug>(one: T, other: T) -> Checked {
    if one != other { Ok(()) } else { Err(Failure::new(format!("both are {one:?}"))) }
}
