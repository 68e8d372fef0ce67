# Compatibility of MHA 0.58 with MariaDB. Loaded by PERL5OPT="-I/usr/local/lib/mha -MMHAMariaDB" on the
# manager and on every node, so that Debian's files stay unmodified.
package MHAMariaDB;
use strict;
use warnings;

BEGIN {
    if ( ( $0 || '' ) =~
        m{(?:^|/)(?:masterha_\w+|apply_diff_relay_logs|save_binary_logs|purge_relay_logs|filter_mysqlbinlog)$} )
    {
        require MHA::NodeUtil;
        require MHA::SlaveUtil;
        no warnings qw(redefine prototype);

        # `10.11.19-MariaDB-0+deb12u1` contains six numbers; MHA's sprintf fails on the last three.
        *MHA::NodeUtil::parse_mysql_version = sub {
            my @v = ( $_[0] =~ m/(\d+)/g, 0, 0, 0 );
            sprintf '%03d%03d%03d', @v[ 0 .. 2 ];
        };
        *MHA::NodeUtil::parse_mysql_major_version = sub {
            my @v = ( $_[0] =~ m/(\d+)/g, 0, 0 );
            sprintf '%03d%03d', @v[ 0 .. 1 ];
        };

        # MariaDB has no super_read_only.
        *MHA::SlaveUtil::check_if_super_read_only = sub { return ( 0, 0 ) };
    }
}
1;
