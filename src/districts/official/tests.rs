use std::io::{Cursor, Write};

use super::*;

/// The header line of 우편번호 DB.
pub(crate) const HEADER: &str = "우편번호|시도|시도영문|시군구|시군구영문|읍면|읍면영문|도로명코드|도로명|\
    도로명영문|지하여부|건물번호본번|건물번호부번|건물관리번호|다량배달처명|시군구용건물명|법정동코드|법정동명|리명|\
    행정동명|산여부|지번본번|읍면동일련번호|지번부번|구우편번호|우편번호일련번호";

/// A line of 우편번호 DB.
pub(crate) fn postal(zip: &str, sido: &str, sigungu: &str, code: &str) -> String {
    format!(
        "{zip}|{sido}|Sido|{sigungu}|Si|||{code}4460343|예시길|Yesi-gil|0|58|16|1||예시빌|{code}34022||예시리|예시면|0|735|01|0||"
    )
}

/// A line of 도로명주소 한글.
fn road(zip: &str, [sido, sigungu, code]: [&str; 3], reason: &str) -> String {
    format!(
        "11110101310001200009400000|{code}10100|{sido}|{sigungu}|예시동||0|144|3|{code}3100012|예시로|0|94|0|{code}51500|예시동|{zip}||20260701|0|{reason}|||"
    )
}

/// A line of 건물DB.
fn building(zip: &str, [sido, sigungu, code]: [&str; 3], reason: &str) -> String {
    format!(
        "{code}10100|{sido}|{sigungu}|예시동||0|144|3|{code}3100012|예시로|0|94|0|||1|01|{code}51500|예시동|110033|||{reason}|20260701|||0|{zip}|0||"
    )
}

fn parse(files: &[Vec<u8>]) -> Result<ParsedList, ListError> {
    let known = Districts::embedded();
    let mut parser = ListParser::new(&known);
    for (index, file) in files.iter().enumerate() {
        parser.parse(&format!("{index}.txt"), Cursor::new(file))?;
    }
    parser.finish()
}

fn lines(lines: &[String]) -> Vec<u8> {
    lines.join("\r\n").into_bytes()
}

fn cp949(bytes: &[u8]) -> Vec<u8> {
    EUC_KR.encode(std::str::from_utf8(bytes).expect("UTF-8")).0.into_owned()
}

fn zipped(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("begins");
        archive.write_all(bytes).expect("writes");
    }
    archive.finish().expect("finishes").into_inner()
}

const POHANG: [&str; 3] = ["경상북도", "포항시 남구", "47111"];

fn some_addresses() -> Vec<u8> {
    lines(&[
        HEADER.to_owned(),
        postal("37655", "경상북도", "포항시 남구", "47111"),
        postal("37656", "경상북도", "포항시 남구", "47111"),
        postal("37656", "경상북도", "포항시 남구", "47111"),
        postal("37656", "경상북도", "포항시 북구", "47113"),
        postal("30151", "세종특별자치시", "", "36110"),
    ])
}

#[test]
fn both_encodings_and_archives_give_the_same_list() {
    let plain = some_addresses();
    let list = parse(std::slice::from_ref(&plain)).expect("a list");
    let range = |start, end, code| PostalRange { start, end, code };
    assert_eq!(list.ranges, [range(30151, 30151, 36110), range(37655, 37656, 47111)]);
    assert_eq!((list.report.addresses, list.report.contested), (5, 1), "37656 belongs to the region of most addresses");
    let known = Districts::embedded();
    for region in &list.regions {
        assert_eq!(Some(region), known.region(region.code), "same as in the embedded table");
    }
    let in_an_archive = zipped(&[("경상북도.txt", cp949(&plain)), ("읽어보기.txt", "설명".into())]);
    for same in [cp949(&plain), [b"\xEF\xBB\xBF".to_vec(), plain].concat(), in_an_archive] {
        let other = parse(&[same]).expect("a list");
        assert_eq!((other.ranges, other.regions), (list.ranges.clone(), list.regions.clone()));
    }
}

#[test]
fn removed_addresses_do_not_count() {
    for line in [road, building] {
        let file = lines(&[line("37655", POHANG, "31"), line("37656", POHANG, "34"), line("37657", POHANG, "63")]);
        let list = parse(&[cp949(&file)]).expect("a list");
        assert_eq!(list.ranges, [PostalRange { start: 37655, end: 37656, code: 47111 }]);
        assert_eq!((list.report.addresses, list.report.removed), (2, 1));
    }
}

#[test]
fn list_without_region_codes_is_matched_by_name() {
    let head = "우편번호|시도|시도영문|시군구|시군구영문|읍면|읍면영문|도로명|도로명영문|지하여부|시작건물번호(주)|\
                시작건물번호(부)|끝건물번호(주)|끝건물번호(부)|범위종류";
    let line = |zip: &str, sigungu: &str| format!("{zip}|경상북도|G|{sigungu}|P|||예시로|Y|0|1|0|9|0|3");
    let file = lines(&[head.to_owned(), line("37655", "포항시 남구"), line("37999", "없는시")]);
    let list = parse(&[file]).expect("a list");
    assert_eq!(list.ranges, [PostalRange { start: 37655, end: 37655, code: 47111 }]);
    assert_eq!(list.report.unknown, ["경상북도 없는시"]);
}

#[test]
fn several_files_are_one_list_with_new_regions() {
    let north = lines(&[HEADER.to_owned(), postal("10000", "경기북부특별자치도", "새시 동구", "53111")]);
    let south = lines(&[HEADER.to_owned(), postal("10001", "경기북부특별자치도", "새군", "53710")]);
    let list = parse(&[north, south]).expect("a list");
    let names: Vec<_> = list.regions.iter().map(|region| (region.code, region.level, &*region.short_name)).collect();
    assert_eq!(names, [(53000, 0, "경기북부"), (53110, 1, "새시"), (53111, 2, "새시 동구"), (53710, 1, "새군")]);
    assert_eq!(list.report.files.len(), 2);
}

#[test]
fn list_of_empty_lines_is_given_up_soon() {
    struct Endless;
    impl std::io::Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            into.fill(b'\n');
            Ok(into.len())
        }
    }
    let known = Districts::embedded();
    let address = lines(&[HEADER.to_owned(), postal("37655", "경상북도", "포항시 남구", "47111")]);
    let mut parser = ListParser::new(&known);
    let endless = BufReader::new(std::io::Read::chain(Cursor::new(address.clone()), Endless));
    assert_eq!(parser.parse_lines(endless), Err(ListError::UnknownLayout), "and does not read on for ever");
    let few = [address, b"\n".repeat(100)].concat();
    assert_eq!(parse(&[few]).expect("a list").report.addresses, 1);
}

#[test]
fn other_files_are_rejected_with_a_reason() {
    let error = |file: &[u8]| parse(&[file.to_vec()]).expect_err("an error");
    let parcels = format!("1|1111010100|서울특별시|종로구|동||0|1|1|111103100012|0|94|0|{}", 31);
    let old = postal("135-080", "서울특별시", "강남구", "11680");
    assert_eq!(error(b""), ListError::Empty);
    assert_eq!(error(b"No Data"), ListError::NoData);
    assert_eq!(error(b"PK\x03\x04broken"), ListError::BadArchive);
    assert_eq!(error("이름,전화\n홍길동,010".as_bytes()), ListError::UnknownLayout);
    assert_eq!(error(&vec![b'x'; 1 << 20]), ListError::UnknownLayout);
    assert_eq!(error(parcels.as_bytes()), ListError::Parcels);
    assert_eq!(error(old.as_bytes()), ListError::SixDigits);
    assert_eq!(error(HEADER.as_bytes()), ListError::UnknownLayout, "only a header");
    assert_eq!(error(&zipped(&[("a.txt", b"No Data".to_vec())])), ListError::NoData);
    assert_eq!(error(&lines(&[road("37655", POHANG, "63")])), ListError::NoData, "only removed addresses");
}
