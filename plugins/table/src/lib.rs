//! Tables: CSV and TSV with dialect and header sniffing.
