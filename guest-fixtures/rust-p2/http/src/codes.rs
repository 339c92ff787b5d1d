//! Every error-code, by its number in the WIT.

use wasip2::http::types::{DnsErrorPayload, ErrorCode, FieldSizePayload, TlsAlertReceivedPayload};

pub fn code(number: &str) -> ErrorCode {
    let field = || FieldSizePayload { field_name: Some("x".into()), field_size: Some(5) };
    match number.parse().unwrap_or(99) {
        0 => ErrorCode::DnsTimeout,
        1 => ErrorCode::DnsError(DnsErrorPayload { rcode: Some("NXDOMAIN".into()), info_code: Some(7) }),
        2 => ErrorCode::DestinationNotFound,
        3 => ErrorCode::DestinationUnavailable,
        4 => ErrorCode::DestinationIpProhibited,
        5 => ErrorCode::DestinationIpUnroutable,
        6 => ErrorCode::ConnectionRefused,
        7 => ErrorCode::ConnectionTerminated,
        8 => ErrorCode::ConnectionTimeout,
        9 => ErrorCode::ConnectionReadTimeout,
        10 => ErrorCode::ConnectionWriteTimeout,
        11 => ErrorCode::ConnectionLimitReached,
        12 => ErrorCode::TlsProtocolError,
        13 => ErrorCode::TlsCertificateError,
        14 => ErrorCode::TlsAlertReceived(TlsAlertReceivedPayload { alert_id: Some(40), alert_message: None }),
        15 => ErrorCode::HttpRequestDenied,
        16 => ErrorCode::HttpRequestLengthRequired,
        17 => ErrorCode::HttpRequestBodySize(Some(5)),
        18 => ErrorCode::HttpRequestMethodInvalid,
        19 => ErrorCode::HttpRequestUriInvalid,
        20 => ErrorCode::HttpRequestUriTooLong,
        21 => ErrorCode::HttpRequestHeaderSectionSize(Some(5)),
        22 => ErrorCode::HttpRequestHeaderSize(Some(field())),
        23 => ErrorCode::HttpRequestTrailerSectionSize(Some(5)),
        24 => ErrorCode::HttpRequestTrailerSize(field()),
        25 => ErrorCode::HttpResponseIncomplete,
        26 => ErrorCode::HttpResponseHeaderSectionSize(Some(5)),
        27 => ErrorCode::HttpResponseHeaderSize(field()),
        28 => ErrorCode::HttpResponseBodySize(Some(5)),
        29 => ErrorCode::HttpResponseTrailerSectionSize(Some(5)),
        30 => ErrorCode::HttpResponseTrailerSize(field()),
        31 => ErrorCode::HttpResponseTransferCoding(Some("gzip".into())),
        32 => ErrorCode::HttpResponseContentCoding(Some("gzip".into())),
        33 => ErrorCode::HttpResponseTimeout,
        34 => ErrorCode::HttpUpgradeFailed,
        35 => ErrorCode::HttpProtocolError,
        36 => ErrorCode::LoopDetected,
        37 => ErrorCode::ConfigurationError,
        38 => ErrorCode::InternalError(Some("why".into())),
        _ => ErrorCode::InternalError(None),
    }
}
