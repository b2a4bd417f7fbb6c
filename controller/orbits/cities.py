"""Where cities are: the hundred with most people (United Nations, World Urbanization Prospects 2018), and others.

The others are places where satellites are measured or that lie far from everything. Degrees north and east.
"""

from __future__ import annotations

from collections.abc import Mapping

# fmt: off
CITIES: Mapping[str, tuple[float, float]] = {
    "Abidjan": (5.3453, -4.0268), "Ahmedabad": (23.0333, 72.6167), "Alexandria": (31.1925, 29.9046),
    "Amsterdam": (52.3676, 4.9041), "Anchorage": (61.2181, -149.9003), "Ankara": (39.9199, 32.8543),
    "Athens": (37.9838, 23.7275), "Atlanta": (33.76, -84.4), "Auckland": (-36.8485, 174.7633),
    "Baghdad": (33.3406, 44.4009), "Bangalore": (12.9719, 77.5937), "Bangkok": (13.722, 100.5252),
    "Barcelona": (41.3888, 2.159), "Beijing": (39.9075, 116.3972), "Belo Horizonte": (-19.9208, -43.9378),
    "Berlin": (52.52, 13.405), "Bogota": (4.6097, -74.0817), "Boston": (42.3479, -71.0645),
    "Brasilia": (-15.7797, -47.9297), "Brussels": (50.8503, 4.3517), "Buenos Aires": (-34.6051, -58.4004),
    "Cairo": (30.0392, 31.2394), "Cape Town": (-33.9249, 18.4241), "Chengdu": (30.6667, 104.0667),
    "Chennai": (13.0531, 80.2488), "Chicago": (41.85, -87.65), "Chittagong": (22.3331, 91.8364),
    "Chongqing": (29.5628, 106.5528), "Copenhagen": (55.6761, 12.5683), "Dalian": (38.9138, 121.6023),
    "Dallas": (32.7254, -97.3208), "Dar es Salaam": (-6.8235, 39.2695), "Darwin": (-12.4634, 130.8456),
    "Delhi": (28.6667, 77.2167), "Denver": (39.7392, -104.9903), "Dhaka": (23.7104, 90.4074),
    "Dongguan": (23.0212, 113.7414), "Dublin": (53.3498, -6.2603), "Erlangen": (49.5897, 11.0078),
    "Fortaleza": (-3.7412, -38.5436), "Foshan": (23.0228, 113.12), "Frankfurt": (50.1109, 8.6821),
    "Fukuoka": (33.6064, 130.4181), "Geneva": (46.2044, 6.1432), "Guadalajara": (20.6667, -103.3333),
    "Guangzhou": (23.1255, 113.2574), "Hangzhou": (30.2936, 120.1614), "Harbin": (45.7563, 126.6467),
    "Helsinki": (60.1699, 24.9384), "Ho Chi Minh City": (10.75, 106.6667), "Hong Kong": (22.2796, 114.1887),
    "Honolulu": (21.3069, -157.8583), "Houston": (29.7602, -95.3694), "Hyderabad": (17.3753, 78.4744),
    "Istanbul": (41.0138, 28.9497), "Jakarta": (-6.2118, 106.8416), "Jeddah": (21.5169, 39.2192),
    "Jinan": (36.6767, 116.9971), "Johannesburg": (-26.2023, 28.0436), "Kabul": (34.5289, 69.1725),
    "Karachi": (24.9056, 67.0822), "Khartoum": (15.5518, 32.5324), "Kinshasa": (-4.3276, 15.3136),
    "Kolkata": (22.5335, 88.356), "Kuala Lumpur": (3.1412, 101.6865), "Kunming": (25.0389, 102.7183),
    "Kyiv": (50.4501, 30.5234), "Lagos": (6.4531, 3.3958), "Lahore": (31.5497, 74.3436), "Lima": (-12.0432, -77.0282),
    "Lisbon": (38.7223, -9.1393), "London": (51.5085, -0.1257), "Longyearbyen": (78.2232, 15.6267),
    "Los Angeles": (34.0317, -118.2417), "Luanda": (-8.8368, 13.2343), "Madrid": (40.4165, -3.7026),
    "Manila": (14.6042, 120.9822), "Marseille": (43.2965, 5.3698), "McMurdo": (-77.85, 166.6667),
    "Medellin": (6.2518, -75.5636), "Melbourne": (-37.814, 144.9633), "Mexico City": (19.4273, -99.1419),
    "Miami": (25.7891, -80.204), "Milan": (45.4642, 9.19), "Monterrey": (25.6667, -100.3167),
    "Montreal": (45.5088, -73.5878), "Moscow": (55.755, 37.6218), "Mumbai": (19.074, 72.8808),
    "Munich": (48.1351, 11.582), "Nagoya": (35.1815, 136.9064), "Nairobi": (-1.2833, 36.8167),
    "Nanjing": (32.0482, 118.7898), "New York": (40.717, -74.0037), "Osaka": (34.6758, 135.5538),
    "Oslo": (59.9139, 10.7522), "Paris": (48.8534, 2.3488), "Perth": (-31.9505, 115.8605),
    "Philadelphia": (39.9523, -75.1638), "Phoenix": (33.4495, -112.0747), "Prague": (50.0755, 14.4378),
    "Pune": (18.5161, 73.8616), "Punta Arenas": (-53.1638, -70.9171), "Qingdao": (36.0986, 120.3719),
    "Quito": (-0.1807, -78.4678), "Redmond": (47.674, -122.1215), "Reykjavik": (64.1466, -21.9426),
    "Rio de Janeiro": (-22.9028, -43.2075), "Riyadh": (24.6905, 46.7096), "Rome": (41.9028, 12.4964),
    "Saint Petersburg": (59.9299, 30.3262), "San Francisco": (37.7749, -122.4194), "San Jose": (37.3382, -121.8863),
    "Santiago": (-33.4569, -70.6483), "Sao Paulo": (-23.5475, -46.6361), "Seattle": (47.6062, -122.3321),
    "Seoul": (37.5683, 126.9778), "Shanghai": (31.2222, 121.4581), "Shantou": (23.3681, 116.7148),
    "Shenyang": (41.7922, 123.4328), "Shenzhen": (22.5415, 114.0634), "Singapore": (1.2897, 103.8501),
    "Stockholm": (59.3293, 18.0686), "Surat": (21.1667, 72.8333), "Suzhou": (31.3021, 120.5853),
    "Sydney": (-33.8678, 151.2073), "Tehran": (35.6944, 51.4215), "Tianjin": (39.1088, 117.1886),
    "Tokyo": (35.6895, 139.6917), "Toronto": (43.7001, -79.4163), "Vancouver": (49.2827, -123.1207),
    "Victoria": (48.4284, -123.3656), "Vienna": (48.2082, 16.3738), "Warsaw": (52.2297, 21.0122),
    "Washington": (38.8951, -77.0364), "Wellington": (-41.2866, 174.7756), "Wuhan": (30.5833, 114.2667),
    "Xi'an": (34.2894, 108.9402), "Xiamen": (24.4798, 118.0819), "Yangon": (16.8053, 96.1561),
    "Zhengzhou": (34.7578, 113.6486), "Zurich": (47.3769, 8.5417),
}
# fmt: on
