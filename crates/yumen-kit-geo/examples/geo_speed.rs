fn main(){ use yumen_kit_geo::*; 
 place(1.0,1.0);
 for (a,b,c,d) in [(18.0,54.0,73.0,135.0),(22.45,22.6,113.9,114.3),(31.0,31.5,121.2,121.9)] {
 let t=std::time::Instant::now(); let mut s=1u64; let mut n=0; for _ in 0..1_000_000 { s=s.wrapping_mul(6364136223846793005).wrapping_add(1); let u=(s>>40) as f64/16777216.0; s=s.wrapping_mul(6364136223846793005).wrapping_add(1); let v=(s>>40) as f64/16777216.0; if place(a+(b-a)*u,c+(d-c)*v).region==Region::Inside {n+=1;} } println!("{n} {:?}",t.elapsed()); }
 for (n,la,lo) in [("qingdao sea 10km",35.95,120.45),("ningbo sea",29.9,122.8),("yongxing",16.834,112.334),("HK water",22.2,114.4),("bohai mid",38.7,119.5),("zhuhai-macao bridge",22.22,113.75),("aksai",35.2,79.5),("tawang",27.586,91.859),("diaoyu",25.745,123.475),("lok ma chau",22.514,114.066), ("kinmen",24.43,118.32)] { println!("{n} {:?} near {}",place(la,lo),place::near_mainland(la,lo)); }
}
