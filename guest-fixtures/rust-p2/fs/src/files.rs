//! One file.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::time::{Duration, SystemTime};

use crate::{empty, fails};

pub fn create_and_read() {
    let path = empty("create-and-read").join("file.txt");
    fails(File::open(&path), ErrorKind::NotFound);
    let mut file = File::create(&path).unwrap();
    file.write_all(b"hello").unwrap();
    file.flush().unwrap();
    file.sync_all().unwrap();
    drop(file);
    assert_eq!(fs::read_to_string(&path).unwrap(), "hello");
    fs::write(&path, [0, 255, 10]).unwrap();
    assert_eq!(fs::read(&path).unwrap(), [0, 255, 10]);
    fails(fs::read_to_string(&path), ErrorKind::InvalidData);
    assert!(fs::exists(&path).unwrap());
}

pub fn append() {
    let path = empty("append").join("log");
    for line in ["one\n", "two\n"] {
        OpenOptions::new().append(true).create(true).open(&path).unwrap().write_all(line.as_bytes()).unwrap();
    }
    let mut file = OpenOptions::new().append(true).read(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(b"three\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
}

pub fn seek() {
    let path = empty("seek").join("file");
    let mut file = File::create_new(&path).unwrap();
    file.write_all(b"0123456789").unwrap();
    file.seek(SeekFrom::Start(3)).unwrap();
    file.write_all(b"abc").unwrap();
    file.seek(SeekFrom::End(4)).unwrap();
    file.write_all(b"end").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"012abc6789\0\0\0\0end");
    let mut file = File::open(&path).unwrap();
    file.seek(SeekFrom::End(-3)).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), file.stream_position().unwrap()), ("end", 17));
    fails(file.seek(SeekFrom::Current(-18)), ErrorKind::InvalidInput);
    file.rewind().unwrap();
    let mut four = [0; 4];
    file.read_exact(&mut four).unwrap();
    assert_eq!(&four, b"012a");
}

pub fn truncate() {
    let path = empty("truncate").join("file");
    fs::write(&path, "0123456789").unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(4).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"0123");
    file.set_len(6).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"0123\0\0");
    File::create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}

pub fn open_options() {
    let path = empty("open-options").join("file");
    fails(OpenOptions::new().write(true).open(&path), ErrorKind::NotFound);
    File::create_new(&path).unwrap();
    fails(File::create_new(&path), ErrorKind::AlreadyExists);
    assert!(File::open(&path).unwrap().write(b"x").is_err());
    assert!(OpenOptions::new().write(true).open(&path).unwrap().read(&mut [0]).is_err());
    let mut both = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    both.write_all(b"both").unwrap();
    both.rewind().unwrap();
    assert_eq!(std::io::read_to_string(both).unwrap(), "both");
}

pub fn lines() {
    let path = empty("lines").join("lines");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    for number in 0..10_000 {
        writeln!(file, "line {number}").unwrap();
    }
    file.into_inner().unwrap();
    let lines = BufReader::new(File::open(&path).unwrap()).lines().map(Result::unwrap);
    assert!(lines.eq((0..10_000).map(|number| format!("line {number}"))));
}

pub fn copy() {
    let base = empty("copy");
    let bytes: Vec<u8> = (0..4_000_000u32).map(|i| (i % 251) as u8).collect();
    fs::write(base.join("from"), &bytes).unwrap();
    assert_eq!(fs::copy(base.join("from"), base.join("to")).unwrap(), 4_000_000);
    assert!(fs::read(base.join("to")).unwrap() == bytes);
}

pub fn metadata() {
    let base = empty("metadata");
    let path = base.join("file");
    let file = File::create(&path).unwrap();
    file.set_len(1234).unwrap();
    let found = fs::metadata(&path).unwrap();
    assert!(found.is_file() && !found.is_dir() && !found.is_symlink());
    assert_eq!(found.len(), 1234);
    assert!(fs::metadata(&base).unwrap().is_dir());
    assert!(found.modified().unwrap() > SystemTime::UNIX_EPOCH);
    let then = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 1000);
    file.set_modified(then).unwrap();
    assert_eq!(file.metadata().unwrap().modified().unwrap(), then);
    fails(fs::metadata(base.join("nothing")), ErrorKind::NotFound);
}
