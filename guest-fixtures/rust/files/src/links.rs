//! Hard links and symbolic links.

use support::Checked;

use crate::node::ErrorCode::{Exist, Invalid, NoEntry, NotDirectory, NotPermitted};
use crate::node::{DescriptorType, equal, refused};
use crate::tree::{self, FOLLOW, NO_FOLLOW, READ};

pub async fn link() -> Checked {
    let base = tree::planted("link").await?;
    let directory = tree::open(&base, "dir", READ).await?;
    base.link_at(NO_FOLLOW, "f", &directory, "hard").await?;
    tree::has(&base, "dir/hard", b"0123456789").await?;
    equal(base.stat_at(NO_FOLLOW, "f").await?.link_count, 2)?;
    // a symbolic link is linked itself, never what it points to
    base.link_at(NO_FOLLOW, "esc", &base, "esc2").await?;
    equal(base.stat_at(NO_FOLLOW, "esc2").await?.type_, DescriptorType::SymbolicLink)?;
    refused(base.link_at(FOLLOW, "lf", &base, "new").await, Invalid)?;
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
        refused(base.link_at(NO_FOLLOW, old, &base, new).await, code)?;
    }
    let file = tree::open(&base, "f", READ).await?;
    refused(base.link_at(NO_FOLLOW, "f", &file, "new").await, NotDirectory)
}

pub async fn symlink() -> Checked {
    let base = tree::planted("symlink").await?;
    for target in ["f", "..", "../../anything", "no such thing", "dir/", "ü"] {
        base.symlink_at(target, "link").await?;
        equal(base.readlink_at("link").await?, target)?;
        base.unlink_file_at("link").await?;
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
        refused(base.symlink_at(target, path).await, code)?;
    }
    Ok(())
}
