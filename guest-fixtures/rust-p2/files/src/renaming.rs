//! `rename-at`.

use support::{refused, refused_any};
use wasip2::filesystem::types::DescriptorType;
use wasip2::filesystem::types::ErrorCode::{Busy, Invalid, IsDirectory, NoEntry, NotDirectory, NotEmpty, NotPermitted};

use crate::tree::{self, NO_FOLLOW, READ};

pub fn rename() {
    let base = tree::planted("rename");
    let directory = tree::open(&base, "dir", READ).unwrap();
    base.rename_at("f", &base, "g").unwrap();
    assert!(!tree::exists(&base, "f"));
    base.rename_at("g", &base, "g").unwrap();
    // over a file, from one directory to another
    base.rename_at("g", &directory, "inner").unwrap();
    assert_eq!(tree::content(&base, "dir/inner"), b"0123456789");
    // links move as they are, and are replaced as they are
    base.rename_at("esc", &base, "moved").unwrap();
    assert_eq!(base.readlink_at("moved").unwrap(), "../out/secret");
    tree::put(&base, "f", b"");
    base.rename_at("f", &base, "moved").unwrap();
    assert_eq!(base.stat_at(NO_FOLLOW, "moved").unwrap().type_, DescriptorType::RegularFile);
    // directories: to a new name, over an empty one
    base.rename_at("dir", &base, "new/").unwrap();
    base.create_directory_at("empty").unwrap();
    base.rename_at("new", &base, "empty").unwrap();
    assert!(tree::exists(&base, "empty/inner"));
}

pub fn errors() {
    let base = tree::planted("rename-errors");
    base.create_directory_at("other").unwrap();
    tree::put(&base, "other/x", b"");
    for (old, new, code) in [
        ("dir", "other", NotEmpty),
        ("dir", "f", NotDirectory),
        ("f", "dir", IsDirectory),
        ("dir", "dir/below", Invalid),
        ("nope", "new", NoEntry),
        ("", "new", NoEntry),
        ("f", "", NoEntry),
        ("f", "nope/new", NoEntry),
        ("f", "f/new", NotDirectory),
        ("f/", "new", NotDirectory),
        ("lf/", "new", NotDirectory),
        ("f", "new/", NotDirectory),
        ("../f", "new", NotPermitted),
        ("f", "../new", NotPermitted),
        ("escd/secret", "new", NotPermitted),
        ("f", "escd/new", NotPermitted),
        ("/f", "new", NotPermitted),
        ("f", "/new", NotPermitted),
        ("a\0b", "new", Invalid),
        ("f", "a\0b", Invalid),
    ] {
        refused(base.rename_at(old, &base, new), code);
    }
    for (old, new) in [(".", "new"), ("dir/.", "new"), ("dir/..", "new"), ("dir", ".")] {
        // POSIX knows both
        refused_any(base.rename_at(old, &base, new), &[Busy, Invalid]);
    }
    let file = tree::open(&base, "f", READ).unwrap();
    refused(base.rename_at("f", &file, "new"), NotDirectory);
}
