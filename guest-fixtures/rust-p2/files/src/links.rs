//! Hard links and symbolic links.

use support::refused;
use wasip2::filesystem::types::DescriptorType;
use wasip2::filesystem::types::ErrorCode::{Exist, Invalid, NoEntry, NotDirectory, NotPermitted};

use crate::tree::{self, FOLLOW, NO_FOLLOW, READ};

pub fn link() {
    let base = tree::planted("link");
    let directory = tree::open(&base, "dir", READ).unwrap();
    base.link_at(NO_FOLLOW, "f", &directory, "hard").unwrap();
    assert_eq!(tree::content(&base, "dir/hard"), b"0123456789");
    assert_eq!(base.stat_at(NO_FOLLOW, "f").unwrap().link_count, 2);
    // a symbolic link is linked itself, never what it points to
    base.link_at(NO_FOLLOW, "esc", &base, "esc2").unwrap();
    assert_eq!(base.stat_at(NO_FOLLOW, "esc2").unwrap().type_, DescriptorType::SymbolicLink);
    refused(base.link_at(FOLLOW, "lf", &base, "new"), Invalid);
    for (old, new, code) in [
        ("f", "dir/hard", Exist),
        ("f", "dangling", Exist),
        ("dir", "new", NotPermitted),
        ("nope", "new", NoEntry),
        ("", "new", NoEntry),
        ("f", "", NoEntry),
        ("f", "nope/new", NoEntry),
        ("f", "new/", NoEntry),
        ("f/", "new", NotDirectory),
        ("f", "f/new", NotDirectory),
        ("../f", "new", NotPermitted),
        ("escd/secret", "new", NotPermitted),
        ("f", "../new", NotPermitted),
        ("f", "escd/new", NotPermitted),
        ("/f", "new", NotPermitted),
        ("f", "/new", NotPermitted),
        ("a\0b", "new", Invalid),
        ("f", "a\0b", Invalid),
    ] {
        refused(base.link_at(NO_FOLLOW, old, &base, new), code);
    }
    let file = tree::open(&base, "f", READ).unwrap();
    refused(base.link_at(NO_FOLLOW, "f", &file, "new"), NotDirectory);
}

pub fn symlink() {
    let base = tree::planted("symlink");
    for target in ["f", "..", "../../anything", "no such thing", "dir/", "ü"] {
        base.symlink_at(target, "link").unwrap();
        assert_eq!(base.readlink_at("link").unwrap(), target);
        base.unlink_file_at("link").unwrap();
    }
    for (target, path, code) in [
        ("/", "new", NotPermitted),
        ("/etc/passwd", "new", NotPermitted),
        ("", "new", NoEntry),
        ("f", "", NoEntry),
        ("f", "nope/new", NoEntry),
        ("f", "new/", NoEntry),
        ("f", "f", Exist),
        ("f", "dangling", Exist),
        ("f", "dir/", Exist),
        ("f", "f/", NotDirectory),
        ("f", "../new", NotPermitted),
        ("f", "/new", NotPermitted),
        ("f", "escd/new", NotPermitted),
        ("f", "a\0b", Invalid),
        ("a\0b", "new", Invalid),
    ] {
        refused(base.symlink_at(target, path), code);
    }
}
