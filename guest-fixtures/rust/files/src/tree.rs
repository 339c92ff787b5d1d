//! Mounts, and the files that cases begin with.

use futures::future::LocalBoxFuture;
use support::net::Boxed;
use support::{Checked, Failure};

use crate::bindings::wasi::filesystem::preopens::get_directories;
use crate::bindings::wit_stream;
use crate::node::{DescriptorFlags, ErrorCode, Node, OpenFlags};

pub const FOLLOW: bool = true;
pub const NO_FOLLOW: bool = false;
pub const READ: DescriptorFlags = DescriptorFlags::READ;
pub const WRITE: DescriptorFlags = DescriptorFlags::WRITE;

/// The directory that the host mounted under this name.
pub fn mount(name: &str) -> Checked<Node> {
    let found = get_directories().into_iter().find(|(_, other)| other == name);
    found.map(|(directory, _)| Node(directory)).ok_or_else(|| Failure::new(format!("no mount is named {name}")))
}

/// An empty directory below /data.
pub fn empty(name: &str) -> Boxed<'_, Node> {
    Box::pin(async move {
        let data = mount("/data")?;
        data.create_directory_at(name).await?;
        Ok(open(&data, name, READ).await?)
    })
}

/// A directory below /data with the tree that `paths.txt` describes.
pub fn planted(name: &str) -> Boxed<'_, Node> {
    Box::pin(async move {
        let base = empty(name).await?;
        put(&base, "f", b"0123456789").await?;
        base.create_directory_at("dir").await?;
        put(&base, "dir/inner", b"inner").await?;
        for (link, target) in [
            ("lf", "f"),
            ("ld", "dir"),
            ("dangling", "nowhere"),
            ("up", ".."),
            ("esc", "../out/secret"),
            ("escd", "../out"),
            ("loop1", "loop2"),
            ("loop2", "loop1"),
        ] {
            base.symlink_at(target, link).await?;
        }
        Ok(base)
    })
}

pub fn open<'a>(base: &'a Node, path: &str, flags: DescriptorFlags) -> LocalBoxFuture<'a, Result<Node, ErrorCode>> {
    base.open_at(NO_FOLLOW, path, OpenFlags::empty(), flags)
}

/// Makes a file with this content, or gives an existing one this content.
pub fn put<'a>(base: &'a Node, path: &'a str, content: &'a [u8]) -> Boxed<'a, Node> {
    Box::pin(async move {
        let file = base.open_at(NO_FOLLOW, path, OpenFlags::CREATE | OpenFlags::TRUNCATE, READ | WRITE).await?;
        write(&file, content, 0).await?;
        Ok(file)
    })
}

/// Writes all of it at this offset; how the stream ended.
pub fn write<'a>(file: &'a Node, bytes: &'a [u8], offset: u64) -> LocalBoxFuture<'a, Result<(), ErrorCode>> {
    Box::pin(async move {
        let (mut writer, data) = wit_stream::new();
        let written = file.write_via_stream(data, offset);
        let rest = writer.write_all(bytes.to_vec()).await;
        drop(writer);
        let outcome = written.await;
        // an end that is no error has taken all
        if outcome.is_ok() && !rest.is_empty() { Err(ErrorCode::Pipe) } else { outcome }
    })
}

/// All that is there from this offset on, and how the stream ended.
pub fn read<'a>(file: &'a Node, offset: u64) -> LocalBoxFuture<'a, (Vec<u8>, Result<(), ErrorCode>)> {
    Box::pin(async move {
        let (reader, outcome) = file.read_via_stream(offset);
        let bytes = reader.collect().await;
        (bytes, outcome.await)
    })
}

/// The file must have this content.
#[track_caller]
pub fn has<'a>(base: &'a Node, path: &'a str, wanted: &'a [u8]) -> Boxed<'a> {
    let place = Failure::new("");
    Box::pin(async move {
        let file = open(base, path, READ).await?;
        match read(&file, 0).await {
            (got, Ok(())) if got == wanted => Ok(()),
            (got, outcome) => {
                let got = String::from_utf8_lossy(&got[..got.len().min(40)]).into_owned();
                Err(place.with(format!("{path}: {got:?}, {outcome:?}, expected {:?}", String::from_utf8_lossy(wanted))))
            }
        }
    })
}

pub async fn exists(base: &Node, path: &str) -> bool {
    base.stat_at(NO_FOLLOW, path).await.is_ok()
}
