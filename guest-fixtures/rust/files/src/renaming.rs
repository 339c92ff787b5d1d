//! `rename-at`.

use support::Checked;

use crate::node::ErrorCode::{Busy, Invalid, IsDirectory, NoEntry, NotDirectory, NotEmpty, NotPermitted};
use crate::node::{DescriptorType, equal, holds, refused, refused_any};
use crate::tree::{self, NO_FOLLOW, READ};

pub async fn rename() -> Checked {
    let base = tree::planted("rename").await?;
    let directory = tree::open(&base, "dir", READ).await?;
    base.rename_at("f", &base, "g").await?;
    holds(!tree::exists(&base, "f").await)?;
    base.rename_at("g", &base, "g").await?;
    // over a file, from one directory to another
    base.rename_at("g", &directory, "inner").await?;
    tree::has(&base, "dir/inner", b"0123456789").await?;
    // links move as they are, and are replaced as they are
    base.rename_at("esc", &base, "moved").await?;
    equal(base.readlink_at("moved").await?, "../out/secret")?;
    tree::put(&base, "f", b"").await?;
    base.rename_at("f", &base, "moved").await?;
    equal(base.stat_at(NO_FOLLOW, "moved").await?.type_, DescriptorType::RegularFile)?;
    // directories: to a new name, over an empty one
    base.rename_at("dir", &base, "new/").await?;
    base.create_directory_at("empty").await?;
    base.rename_at("new", &base, "empty").await?;
    holds(tree::exists(&base, "empty/inner").await)
}

pub async fn errors() -> Checked {
    let base = tree::planted("rename-errors").await?;
    base.create_directory_at("other").await?;
    tree::put(&base, "other/x", b"").await?;
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
        refused(base.rename_at(old, &base, new).await, code)?;
    }
    for (old, new) in [(".", "new"), ("dir/.", "new"), ("dir/..", "new"), ("dir", ".")] {
        // POSIX knows both
        refused_any(base.rename_at(old, &base, new).await, &[Busy, Invalid])?;
    }
    let file = tree::open(&base, "f", READ).await?;
    refused(base.rename_at("f", &file, "new").await, NotDirectory)
}
