//! `std::fs` on a directory mounted as /data, as programs use it.
//!
//! CASE  one of the names below, or "all" (default)
//!
//! Each case works in a directory of its own, which it makes. Not in all: `no-mounts`, `read-only` (/data is mounted
//! read-only, with `x.txt` and `dir`), and `escapes`, for which /data has links that lead out of it.

mod files;
mod load;
mod mounts;
mod trees;

use std::ffi::{CString, c_char, c_int};
use std::io;
use std::path::PathBuf;

support::cases! {
    "create-and-read" => files::create_and_read,
    "append" => files::append,
    "seek" => files::seek,
    "truncate" => files::truncate,
    "open-options" => files::open_options,
    "lines" => files::lines,
    "copy" => files::copy,
    "metadata" => files::metadata,
    "rename-and-remove" => trees::rename_and_remove,
    "directories" => trees::directories,
    "walk" => trees::walk,
    "symlinks" => trees::symlinks,
    "hard-links" => trees::hard_links,
    "paths" => trees::paths,
    only_by_name:
    "no-mounts" => mounts::none,
    "read-only" => mounts::read_only,
    "escapes" => mounts::escapes,
    "load-write" => load::write,
    "load-read" => load::read,
    "load-open" => load::open,
    "load-list" => load::list,
}

/// An empty directory below /data.
fn empty(name: &str) -> PathBuf {
    let path = PathBuf::from("/data").join(name);
    std::fs::create_dir(&path).unwrap();
    path
}

#[track_caller]
fn fails<T: std::fmt::Debug>(got: io::Result<T>, kind: io::ErrorKind) {
    assert_eq!(got.unwrap_err().kind(), kind);
}

unsafe extern "C" {
    #[link_name = "symlink"]
    fn libc_symlink(target: *const c_char, path: *const c_char) -> c_int;
}

/// What std has for it is unstable on this target.
fn symlink(target: &str, path: &str) -> io::Result<()> {
    let (target, path) = (CString::new(target).unwrap(), CString::new(path).unwrap());
    // SAFETY: both are C strings that live until the call returns
    match unsafe { libc_symlink(target.as_ptr(), path.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
